"""Metrics for Prometheus: how things stand, what happened since the process began, how it answers. No merchant in any label."""

import asyncio
import logging
import time

from portal import meters
from portal.db import DB
from portal.meters import Histogram
from portal.metrics import sums
from portal.metrics.exposition import CONTENT_TYPE, Family, Kind, render
from portal.metrics.flow import Flow
from portal.metrics.gauges import CLOCK_SKEW, GAUGES, SYNC_LAG, Gauge
from portal.spool import Spool

__all__ = ["CONTENT_TYPE", "Metrics"]

log = logging.getLogger(__name__)

#: Whoever asks more often gets the same answer again: a scrape reads rows.
_FRESH_S = 5.0
_PATIENCE_S = 5.0

_SPOOL = Family("payments_callback_spool_depth", Kind.GAUGE, "Bytes of callbacks waiting for the database.")
_SYNC_LAG = Family(
    "router_sync_lag_seconds", Kind.HISTOGRAM, "Since each router that answers was last seen whole, now."
)
_CLOCK_SKEW = Family(
    "router_clock_skew_seconds", Kind.HISTOGRAM, "By how much the clock of each router that answers is wrong, now."
)
_REDEEM_FAILED = Family(
    meters.REDEEM_FAILED, Kind.COUNTER, "Typed voucher codes that let nobody in, by why.", ("reason",)
)
_RECONCILE = Family(
    meters.RECONCILE, Kind.HISTOGRAM, "Seconds a visit to a router took that made it equal to its grants.", ("pass",)
)
_POOL_WAIT = Family(meters.POOL_WAIT, Kind.HISTOGRAM, "Seconds a connection to the database was waited for.")
_LOST = Family("metrics_unanswered", Kind.GAUGE, "Questions of this scrape that had no answer in time.")
_UP = Family("database_up", Kind.GAUGE, "1 while the database answers.")


class Metrics:
    """Collects for one process. Never raises for a database that is away: what is known without it is told."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._flow = Flow()
        self._lock = asyncio.Lock()
        self._text, self._at = "", float("-inf")

    async def text(self) -> str:
        """Everything, in Prometheus' text format."""
        async with self._lock:
            if time.monotonic() - self._at > _FRESH_S:
                self._text = await self._collect()
                self._at = time.monotonic()
            return self._text

    async def _collect(self) -> str:
        parts = [render(_SPOOL, {(): (await asyncio.to_thread(self._spool.depth)).size})]
        lost = 0
        for gauge in GAUGES:
            found = await self._ask(gauge)
            lost += found is None
            parts += [render(gauge.family, found)] if found is not None else []
        is_up = await self._read_flow()
        lost += not is_up
        for family, question in ((_SYNC_LAG, SYNC_LAG), (_CLOCK_SKEW, CLOCK_SKEW)):
            spread = await self._spread(family, question)
            lost += spread is None
            parts += [render(family, {(): spread})] if spread is not None else []
        added = await self._added_up()
        lost += added is None
        parts += [render(_LOST, {(): lost}), render(_UP, {(): int(is_up)}), *self._counted(), *(added or ())]
        return "".join(parts)

    async def _ask(self, gauge: Gauge) -> dict[tuple[str, ...], float] | None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                rows = await DB.fetch(gauge.question)
        except Exception:  # one question without an answer must not hide the others
            log.warning("metric not known", extra={"metric": gauge.family.name}, exc_info=True)
            return None
        return {tuple(str(value) for value in list(row)[:-1]): float(row[-1]) for row in rows}

    async def _spread(self, family: Family, question: str) -> Histogram | None:
        spread = Histogram()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                spread.add_all([float(row[0]) for row in await DB.fetch(question)])
        except Exception:
            log.warning("metric not known", extra={"metric": family.name}, exc_info=True)
            return None
        return spread

    async def _added_up(self) -> list[str] | None:
        """What all processes counted together, ours up to this moment."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await sums.keep()
                found = await sums.read()
        except Exception:
            log.warning("sums not known", exc_info=True)
            return None
        refused = {(label,): each.total for label, each in found.get(meters.REDEEM_FAILED, {}).items()}
        passes = {(label,): each for label, each in found.get(meters.RECONCILE, {}).items()}
        waited = found.get(meters.POOL_WAIT, {}).get("", Histogram())
        return [render(_REDEEM_FAILED, refused), render(_RECONCILE, passes), render(_POOL_WAIT, {(): waited})]

    async def _read_flow(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._flow.read()
        except Exception:
            log.warning("counters not read", exc_info=True)
            return False
        return True

    def _counted(self) -> list[str]:
        flow, seconds = self._flow, "Seconds from "
        counters = [
            ("payments_intents_total", "Payments by the state they came to.", ("state",), flow.intents),
            ("stk_push_total", "Payment prompts by what M-Pesa made of them.", ("outcome",), flow.pushes),
            ("sms_send_total", "Messages by what became of them.", ("outcome",), flow.messages),
            ("payments_callback_received_total", "Callbacks handled.", ("result", "verified"), flow.callbacks),
            ("jobs_runs_total", "Ended tries of job runs.", ("kind", "outcome"), flow.runs),
            ("ratelimit_block_total", "Tries a limit refused.", ("rule",), meters.blocked),
            ("login_failed_total", "Sign-ins that failed.", (), meters.failed_sign_ins),
            ("authz_denied_total", "Requests of known people that were not allowed.", (), meters.denied),
        ]
        histograms = [
            ("payments_settle_seconds", seconds + "a callback's arrival to its settling.", (), {(): flow.settle}),
            ("payment_to_online_seconds", seconds + "paid to online, of vouchers bought on a phone.", (),
             {(): flow.to_online}),
            ("voucher_expiry_lateness_seconds", seconds + "a voucher's end to its end on the router.", (),
             {(): flow.lateness}),
            ("http_request_seconds", seconds + "a request to its answer.", ("route",), dict(meters.answered)),
        ]  # fmt: skip
        return [
            *(
                render(Family(name, Kind.COUNTER, what, labels), dict(counts))
                for name, what, labels, counts in counters
            ),
            *(render(Family(name, Kind.HISTOGRAM, what, labels), each) for name, what, labels, each in histograms),
        ]
