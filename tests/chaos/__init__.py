"""Chaos in small: the plan repeats, the comparison sees what is off, and a run of 500 payments loses nothing."""
