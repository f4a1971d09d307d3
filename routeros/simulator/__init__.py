"""A MikroTik router on loopback for demonstrations and tests: API, hotspot, login pages, virtual clock, faults.

Built from MikroTik's manual and what real routers list and log, not from what our own client needs.
"""
