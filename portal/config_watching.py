"""Settings of those who watch us: where jobs report to a dead-man's switch, and who may read our metrics."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from portal import config_values as values
from portal.config_values import Reader

_JOB = re.compile(r"[a-z][a-z0-9-]{1,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Addresses are secrets of their own: whoever knows one may report in our name."""

    #: `ping_url`/job name is reported to; "" is nowhere.
    ping_url: str = field(default="", repr=False)
    #: Addresses of single jobs, which go before `ping_url`.
    ping_urls: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    #: What a reader of /metrics proves itself with; None: there is no such page.
    metrics_token: str | None = field(default=None, repr=False)


def read_watching(read: Reader) -> Watching:
    """PORTAL_PING_URL, PORTAL_PING_URLS and PORTAL_METRICS_TOKEN; each may stand in a file (…_FILE)."""
    return Watching(
        ping_url=read.secret("PING_URL", ping_address) or "",
        ping_urls=read.secret("PING_URLS", ping_addresses) or {},
        metrics_token=read.secret("METRICS_TOKEN", values.cron_secret),
    )


def ping_address(text: str) -> str:
    """An address with a path, no query; no slash at the end."""
    wanted = "an address like https://hc-ping.com/your-ping-key"
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ValueError(wanted)
    return text.rstrip("/")


def ping_addresses(text: str) -> Mapping[str, str]:
    """`job=address` pairs, with commas between."""
    wanted = "pairs with commas between, like backup=https://hc-ping.com/…,payouts=https://hc-ping.com/…"
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        job, is_pair, address = pair.partition("=")
        if not is_pair or not _JOB.fullmatch(job.strip()):
            raise ValueError(wanted)
        try:
            found[job.strip()] = ping_address(address.strip())
        except ValueError as error:
            raise ValueError(wanted) from error
    return found
