"""Airtel Money: a push to the payer's phone, a callback, and questions by our own reference. A rail; see `portal.rails`."""
