"""Rate limits of user profiles and RADIUS as the properties of the simple queue a login makes. Pure."""

from __future__ import annotations

from routeros.simulator import values


def queue_values(rate_limit: str) -> dict[str, str]:
    """Turn a rate limit (`rx/tx burst threshold time priority limit-at`) into the properties of a simple queue.

    Both write the client's upload first: rx is what the router receives from the client. Rates in bit/s.
    """
    words = rate_limit.split()
    rx, tx = values.parse_rate_pair(rate_limit)
    found = {"max-limit": f"{rx}/{tx}"}
    for name, word in zip(("burst-limit", "burst-threshold"), words[1:3], strict=False):
        up, down = values.parse_rate_pair(word)
        found[name] = f"{up}/{down}"
    if len(words) > 3:
        up, _, down = words[3].partition("/")
        found["burst-time"] = "/".join(values.format_duration(values.parse_duration(half)) for half in (up, down or up))
    if len(words) > 4:
        found["priority"] = words[4] if "/" in words[4] else f"{words[4]}/{words[4]}"
    if len(words) > 5:
        up_rate, down_rate = values.parse_rate_pair(words[5])
        found["limit-at"] = f"{up_rate}/{down_rate}"
    return found
