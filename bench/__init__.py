"""Repeatable benchmarks. Each measures a limit of this machine in the same run and ends with one JSON line: the ratio counts."""
