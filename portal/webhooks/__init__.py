"""Webhooks: telling a merchant's programs what happened, signed as Standard Webhooks says. Written down with each event by the
database itself (trigger events_to_webhooks); sent by `jobs.webhooks`, at least once, each address by itself."""
