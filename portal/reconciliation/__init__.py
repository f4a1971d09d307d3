"""Reconciliation: M-Pesa's lists beside ours. `pulling` asks for the list of the last 48 hours, `statements` reads the one the
organisation portal exports, `closes` closes each day. What comes of a difference in money is `payments.take`'s business."""
