"""What the simulators of other rails share: time, an agenda, faults, posting callbacks, a log, a server. Never loaded in service."""
