"""The morning's message to a merchant's people: how yesterday went beside the same weekday, and what needs a look today.

Told from the minute they chose (08:00) for four hours; who was not reached by then, because we were away, gets none that day: in the
evening it is no news. By SMS as short as one SMS, by mail and Telegram in full."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal import drift, gsm7, running
from portal.db import DB, Tx, atomic
from portal.drift import Kind as Leak
from portal.i18n import NAMES, SOURCE, Language, language
from portal.identity import Actor, Role
from portal.messages import Channel, Told, write
from portal.messages.people import ways_of
from portal.messages.wording import fill, ours
from portal.money import format_amount
from portal.msgid import N_
from portal.reports import hours, letters
from portal.reports.today import day_start

#: So long after the chosen minute it is still news.
NEWS_FOR = timedelta(hours=4)
#: Access nobody paid for; what is merely left lying is no news for the morning.
_LEAKS = frozenset({Leak.FREE, Leak.DIALIN_FREE, Leak.FOREIGN_ONLINE, Leak.BYPASSED})


class Away(msgspec.Struct, frozen=True):
    """A router that does not answer, and since when."""

    name: str
    since: datetime | None


class Low(msgspec.Struct, frozen=True):
    """A package whose unsold vouchers are gone in three days if they sell as in the last seven."""

    name: str
    left: int


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a morning sees. `day`: yesterday; `before_cents`: the same weekday a week earlier."""

    day: date
    cents: int
    sold: int
    before_cents: int
    leaks: int = 0
    leak_cents: int = 0
    away: Sequence[Away] = ()
    low: Sequence[Low] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing worth a message."""
        return not (self.sold or self.before_cents or self.leaks or self.away or self.low)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant whose morning it is, and until when it is news."""

    merchant_id: int
    shop: str
    zone: str
    currency: str
    language: str
    today: date
    news_until: datetime


_DUE = """SELECT m.id AS merchant_id, m.name AS shop, m.timezone AS zone, m.currency, m.language, n.local::date AS today,
       coalesce(c.morning_at, 480) AS minute
FROM merchants m LEFT JOIN report_choices c ON c.merchant_id = m.id
CROSS JOIN LATERAL (SELECT $1::timestamptz AT TIME ZONE m.timezone AS local) n
WHERE m.is_active AND coalesce(c.morning, true)
AND n.local >= n.local::date + make_interval(mins => coalesce(c.morning_at, 480)::int)
AND NOT EXISTS (SELECT FROM mornings w WHERE w.merchant_id = m.id AND w.day = n.local::date) ORDER BY m.id"""
_LOW = """SELECT k.name, count(*) FILTER (WHERE v.status = 'unsold')::int AS left,
       count(*) FILTER (WHERE v.paid_at >= $2)::int AS sold
FROM vouchers v JOIN packages k ON k.id = v.package_id
WHERE v.merchant_id = $1 AND v.batch_id IS NOT NULL AND (v.status = 'unsold' OR v.paid_at >= $2)
GROUP BY k.id, k.name HAVING count(*) FILTER (WHERE v.status = 'unsold') * 7 < count(*) FILTER (WHERE v.paid_at >= $2) * 3
ORDER BY 2, 1"""


async def due(*, now: datetime) -> list[Due]:
    """Merchants to be told now. Who chose a time that has passed by more than the time it is news waits for tomorrow."""
    found: list[Due] = []
    for row in await DB.fetch(_DUE, now):
        values = dict(row)
        minute = values.pop("minute")
        chosen = datetime.combine(row["today"], time(minute // 60, minute % 60), ZoneInfo(row["zone"]))
        if now - chosen < NEWS_FOR:
            found.append(Due(**values, news_until=chosen + NEWS_FOR))
    return found


async def look(wanted: Due, *, now: datetime) -> Seen:
    """What there is to say this morning."""
    await hours.count(wanted.merchant_id, now=now)
    zone, day = ZoneInfo(wanted.zone), wanted.today - timedelta(days=1)
    cents, sold = await _takings(wanted.merchant_id, day, zone)
    before, _ = await _takings(wanted.merchant_id, day - timedelta(days=7), zone)
    away = await DB.fetch(
        "SELECT name, offline_since AS since FROM routers WHERE merchant_id = $1 AND status = 'offline' ORDER BY 2, 1",
        wanted.merchant_id,
    )
    low = await DB.fetch(_LOW, wanted.merchant_id, now - timedelta(days=7))
    # Seen with the eyes of one of its own people, who may look and no more.
    viewer = Actor(
        user_id=0, merchant_id=wanted.merchant_id, role=Role.VIEWER, is_operator=False, name="", email=""
    )  # fmt: skip
    found = [
        each for report in (await drift.reports(viewer)).values()
        for each in (*report.left_over.findings, *report.foreign.findings) if each.kind in _LEAKS
    ]  # fmt: skip
    return Seen(
        day=day, cents=cents, sold=sold, before_cents=before, leaks=len(found),
        leak_cents=sum(each.at_stake_cents for each in found), away=[Away(row["name"], row["since"]) for row in away],
        low=[Low(row["name"], row["left"]) for row in low],
    )  # fmt: skip


async def _takings(merchant_id: int, day: date, zone: ZoneInfo) -> tuple[int, int]:
    row = await DB.row(
        """SELECT coalesce(sum(received_cents), 0)::bigint AS cents, coalesce(sum(sold), 0)::bigint AS sold FROM sales_hours
           WHERE merchant_id = $1 AND hour_at >= $2 AND hour_at < $3""",
        merchant_id,
        day_start(day, zone),
        day_start(day + timedelta(days=1), zone),
    )
    assert row is not None
    return row["cents"], row["sold"]


async def tell(wanted: Due, *, base_url: str, now: datetime) -> bool:
    """Look, and write the messages, once a day. False: it was done, or there was nothing to tell or nobody to tell it to."""
    seen = await look(wanted, now=now)
    async with atomic() as tx:
        await running.hold(tx)
        channels = list(dict.fromkeys(Channel(way.channel) for way in await ways_of(tx, wanted.merchant_id)))
        is_told = bool(channels) and not seen.is_empty
        made = await tx.value(
            """INSERT INTO mornings (merchant_id, day, is_told, data, created_at) VALUES ($1, $2, $3, $4::jsonb, $5)
               ON CONFLICT DO NOTHING RETURNING id""",
            wanted.merchant_id,
            wanted.today,
            is_told,
            msgspec.json.encode(seen).decode(),
            now,
        )
        if made is None or not is_told:
            return False
        for channel in channels:
            await _write(tx, wanted, seen, channel, base_url=base_url, now=now)
        return True


async def _write(tx: Tx, wanted: Due, seen: Seen, channel: Channel, *, base_url: str, now: datetime) -> None:
    spoken = language(wanted.language if wanted.language in NAMES else SOURCE)
    notes, change = notes_of(seen, spoken, now=now), compared(seen, spoken)
    total = format_amount(seen.cents, wanted.currency)
    told, letter = Told.SHOP_MORNING, None
    params: dict[str, object] = {
        "day": spoken.weekday(seen.day), "amount": total, "sold": seen.sold, "compared": f", {change}" if change else "",
    }  # fmt: skip
    if channel is Channel.TELEGRAM:
        told, params["notes"] = Told.SHOP_MORNING_LONG, "".join(f"\n{note}" for note in notes)
    else:
        params["notes"] = short(notes, params, shop=wanted.shop, spoken=spoken)
    if channel is Channel.EMAIL:
        letter = letters.of_morning(
            f"{wanted.shop}: {total}, {spoken.day(seen.day)}", shop=wanted.shop, head=spoken.day(seen.day), total=total,
            beside=change, notes=notes, address=f"{base_url}/home", language=spoken,
        )  # fmt: skip
    await write(
        tx, told, f"{wanted.merchant_id}:{wanted.today}:{channel}", merchant_id=wanted.merchant_id, phone=None, params=params,
        now=now, channel=channel, not_after=wanted.news_until, letter=letter,
    )  # fmt: skip


def compared(seen: Seen, spoken: Language) -> str:
    """ "12% more than the Thursday before"; "" when nothing was sold then."""
    if not seen.before_cents:
        return ""
    change = round(100 * (seen.cents - seen.before_cents) / seen.before_cents)
    values = {"n": abs(change), "weekday": spoken.weekday(seen.day)}
    if change == 0:
        return spoken.say(N_("as much as the %(weekday)s before"), values)
    sentence = N_("%(n)s%% more than the %(weekday)s before")
    return spoken.say(sentence if change > 0 else N_("%(n)s%% less than the %(weekday)s before"), values)


def notes_of(seen: Seen, spoken: Language, *, now: datetime) -> list[str]:
    """What needs a look, the dearest first, each a short sentence."""
    found: list[str] = []
    for router in seen.away:
        lasting = int((now - router.since).total_seconds()) if router.since else 0
        values = {"router": router.name, "time": spoken.short_length(lasting).replace("\u00a0", " ")}
        found.append(spoken.say(N_("Router %(router)s is away (%(time)s)."), values))
    if seen.leaks:
        sentence = spoken.ngettext(
            "%(n)s device is online without paying.", "%(n)s devices are online without paying.", seen.leaks
        )
        found.append(sentence % {"n": seen.leaks})
    found += [
        spoken.say(N_("%(package)s: only %(left)s vouchers left."), {"package": each.name, "left": each.left})
        for each in seen.low
    ]
    return found


def short(notes: Sequence[str], params: dict[str, object], *, shop: str, spoken: Language) -> str:
    """As many notes as one SMS holds, each after a space, and how many more there are. The first is told in any case."""
    sentence = ours(Told.SHOP_MORNING, spoken.code)
    for count in range(len(notes), 0, -1):
        left = len(notes) - count
        text = "".join(
            f" {note}" for note in [*notes[:count], *([spoken.say(N_("And %(n)s more."), {"n": left})] if left else [])]
        )
        whole = gsm7.fold(fill(sentence, {"shop": shop} | params | {"notes": text}))
        if gsm7.measure(whole).parts == 1 or count == 1:
            return text
    return ""
