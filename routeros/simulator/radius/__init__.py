"""RADIUS as a hotspot speaks it: asks about logins, reports usage, obeys Disconnect and Change of Authorization."""
