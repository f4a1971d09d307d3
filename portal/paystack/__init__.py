"""Paystack: cards and more, paid on Paystack's own page; webhooks signed over their raw bytes. A rail; see `portal.rails`."""
