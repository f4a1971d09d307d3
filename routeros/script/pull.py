"""Pull mode's wire format, both variants, for the server and for tests. What the router does with it: agent.py.

The router POSTs a *report* and is answered with *work*; after obeying it asks again at once, so that the answer to a
job comes within the same run. Everything is UTF-8 and at most 64 KB (MikroTik manual, Fetch). A line's fields are
divided by `|`.

    report, plain (6.49 and later)            work, plain
    vocha-pull|1                              vocha-work|1|<ask>|<key>
    site|<site>                               job|<number>|<verb>|<fields>
    secret|<secret>                           end|<number of jobs>
    ask|<ask>
    version|7.16 (stable)                     verbs and fields (`-`: as it is, or none)
    board|hAP ax2                             profile|name|shared-users|add-mac-cookie|rate-limit
    serial|HEX0123456                         user|name|password|profile|comment|mac|uptime|bytes|disabled
    uptime|1d02:03:04                         set|name|password|profile|comment|mac|uptime|bytes|disabled
    clock|2026-11-20 06:09:00                 end|name
    ack|<number>|ok|                          login|name|password|ip|mac
    ack|<number>|failed|<why>                 report|users, active, cookies, profiles, hosts, settings or foreign
                                              drop|name|user, active or binding|value|value|value
    state|<kind>|<number>|<page>|more         (page 1, 2, …, then the last with the count of all rows; small ones together)
    state|<kind>|<number>|<page>|last|<total>
    <kind>|<fields as in agent.py>
    end|<ask>

JSON (7.13 and later): a report is `{"vocha-pull": "=1", "lines": […]}` with the lines above, of which one may be
several; work is `{"vocha-work": "=1", "ask": "=…", "key": "=…", "count": "=1", "jobs": [["=17", "=end", "=vocha-…"]]}`.
The `=` keeps RouterOS from reading a text as a number or an address.

Why replayed, reordered, torn or forged work is harmless: a router cannot verify a signature, so the connection is
checked by certificate, the secrets are in the bodies, an answer must repeat the `ask` its router made up for this very
question and the key only we know, its end must be there and count right before anything is obeyed, the verbs are few,
name only objects of ours, and may each be done twice. `drop` alone names a row of somebody else's, with the values it
was seen with: another row, or that one changed since, stays.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final, cast

from routeros.script.pull_rows import read_job, read_row, write_job
from routeros.script.pull_values import PullAck, PullJob, PullReport, PullWork, StateKind, StatePage, StateRow
from routeros.script.values import Variant
from routeros.words import read_duration, read_number

__all__ = ["MOST_BYTES", "build_work", "fitting", "parse_report", "parse_work", "whole_state"]

#: A fetch variable holds 64 KB; some is left for what we did not think of.
MOST_BYTES: Final = 60_000
_MOST_REPORT: Final = 65_536
_TEXT: Final = 200
#: Pages of state in one report: the small ones come together.
_MOST_PAGES: Final = 50
_ASK: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:.-")


def build_work(work: PullWork, variant: Variant) -> bytes:
    """The answer's body. Raises ValueError when it is too long (see `fitting`) or a job cannot be said."""
    _check_ask(work.ask)
    jobs = [[str(job.number), *write_job(job.action)] for job in work.jobs]
    if variant is Variant.JSON:
        said = {"vocha-work": "1", "ask": work.ask, "key": work.key, "count": str(len(jobs))}
        document: dict[str, object] = {name: f"={value}" for name, value in said.items()}
        document["jobs"] = [[f"={word}" for word in job] for job in jobs]
        body = json.dumps(document, separators=(",", ":")).encode()
    else:
        lines = [f"vocha-work|1|{work.ask}|{work.key}", *("|".join(("job", *job)) for job in jobs), f"end|{len(jobs)}"]
        body = ("\n".join(lines) + "\n").encode()
    if len(body) > MOST_BYTES:
        raise ValueError("more work than a router can take at once")
    return body


def fitting(jobs: Sequence[PullJob]) -> tuple[PullJob, ...]:
    """As many of the first jobs as surely fit into one answer of either variant."""
    room = MOST_BYTES - 1_000
    for count, job in enumerate(jobs):
        # As JSON writes them: a sign that is not ASCII takes up to twelve.
        room -= sum(len(json.dumps(word)) + 2 for word in (str(job.number), *write_job(job.action))) + 4
        if room < 0:
            return tuple(jobs[:count])
    return tuple(jobs)


def parse_work(body: bytes, variant: Variant) -> PullWork:
    """What the router reads in an answer; for tests and the simulator. Raises ValueError."""
    if variant is Variant.JSON:
        document = _object(body)
        if document.get("vocha-work") != "=1":
            raise ValueError("not work of ours")
        ask, key, count = (_unmarked(document.get(name)) for name in ("ask", "key", "count"))
        found = document.get("jobs")
        rows = [[_unmarked(word) for word in cast("list[object]", job)] for job in cast("list[object]", found or [])]
    else:
        head, *middle, end = _lines(body)
        title, version, ask, key = _fields(head, 4)
        kind, count = _fields(end, 2)
        rows = [line.split("|")[1:] for line in middle if line.startswith("job|")]
        if (title, version, kind) != ("vocha-work", "1", "end") or len(rows) != len(middle):
            raise ValueError("not work of ours")
    if count != str(len(rows)) or any(len(row) < 2 for row in rows):
        raise ValueError("work with jobs missing")
    return PullWork(ask, key, tuple(PullJob(read_number(number), read_job(words)) for number, *words in rows))


def parse_report(body: bytes, variant: Variant) -> PullReport:
    """A router's question. ValueError for anything torn, too long or not understood: then nothing of it counts."""
    if len(body) > _MOST_REPORT:
        raise ValueError("a report is at most 64 KB")
    if variant is Variant.JSON:
        document = _object(body)
        if document.get("vocha-pull") != "=1" or not isinstance(document.get("lines"), list):
            raise ValueError("not a report")
        lines = "\n".join(str(line) for line in cast("list[object]", document["lines"])).split("\n")
    else:
        title, *lines = _lines(body)
        if title != "vocha-pull|1":
            raise ValueError("not a report")
    return _report(lines)


def whole_state(pages: Iterable[StatePage]) -> tuple[StateRow, ...] | None:
    """All rows of one report job, None while a page is missing or pages of several jobs are mixed."""
    found = {page.page: page for page in pages}
    if len({(page.kind, page.number) for page in found.values()}) != 1:
        return None
    in_order = [found[number] for number in sorted(found)]
    if [page.page for page in in_order] != list(range(1, len(in_order) + 1)):
        return None
    if [page.is_last for page in in_order] != [False] * (len(in_order) - 1) + [True]:
        return None
    return tuple(row for page in in_order for row in page.rows)


def _report(lines: list[str]) -> PullReport:
    """Hello lines come once and in any order, then acknowledgements and pages of state, then the end."""
    hello: dict[str, str] = {}
    acks: list[PullAck] = []
    pages: list[tuple[StatePage, list[StateRow]]] = []
    for line in map(_printable, lines[:-1]):
        name, _, rest = line.partition("|")
        if name == "ack":
            acks.append(_ack(rest))
        elif name == "state" and len(pages) < _MOST_PAGES:
            pages.append((_page(rest), []))
        elif pages and name == pages[-1][0].kind:
            pages[-1][1].append(read_row(pages[-1][0].kind, rest.split("|")))
        elif name in _HELLO and name not in hello and not pages:
            hello[name] = rest[:_TEXT]
        else:
            raise ValueError("a report has a line nobody knows")
    if "ask" not in hello or lines[-1] != f"end|{hello['ask']}":
        raise ValueError("a report has lost its end")
    _check_ask(hello["ask"])
    if not {"site", "secret", "version"} <= hello.keys():
        raise ValueError("a report does not say whose it is")
    return PullReport(
        site=hello["site"],
        secret=hello["secret"],
        ask=hello["ask"],
        version=hello["version"],
        board=hello.get("board", ""),
        serial=hello.get("serial", ""),
        uptime=read_duration(hello.get("uptime") or "0s") or 0,
        clock=hello.get("clock", ""),
        acks=tuple(acks),
        states=tuple(_with_rows(page, rows) for page, rows in pages),
    )


_HELLO: Final = frozenset({"site", "secret", "ask", "version", "board", "serial", "uptime", "clock"})


def _printable(line: str) -> str:
    """What nobody can print or store is a router's mistake or malice; the rest of the line may still be of use."""
    return line if line.isprintable() else "".join(sign if sign.isprintable() else "?" for sign in line)


def _ack(rest: str) -> PullAck:
    number, said, why = _fields(rest, 3)
    if said not in {"ok", "failed"}:
        raise ValueError("an acknowledgement says ok or failed")
    return PullAck(read_number(number), said == "ok", why[:_TEXT])


def _page(rest: str) -> StatePage:
    kind, number, page, state, *total = rest.split("|")
    if state not in {"more", "last"} or len(total) != (state == "last"):
        raise ValueError("a page of state is not whole")
    count = read_number(total[0]) if total else 0
    return StatePage(StateKind(kind), read_number(number), read_number(page), is_last=state == "last", total=count)


def _with_rows(page: StatePage, rows: list[StateRow]) -> StatePage:
    return StatePage(page.kind, page.number, page.page, tuple(rows), page.is_last, page.total)


def _check_ask(ask: str) -> None:
    if not 0 < len(ask) <= 80 or not _ASK.issuperset(ask):
        raise ValueError("an ask is a short plain word")


def _fields(line: str, count: int) -> list[str]:
    """Exactly `count` fields; the last may hold the divider."""
    fields = line.split("|", count - 1)
    if len(fields) != count:
        raise ValueError("a line has too few fields")
    return fields


def _lines(body: bytes) -> list[str]:
    text = _text(body)
    if not text.endswith("\n") or text.count("\n") < 2:
        raise ValueError("a body has lost its end")
    return text.removesuffix("\n").split("\n")


def _text(body: bytes) -> str:
    """A name that somebody gave in another encoding must not cost the router its turn; ours are plain."""
    return body.decode(errors="replace")


def _object(body: bytes) -> dict[str, object]:
    try:
        document: object = json.loads(_text(body))
    except RecursionError as deep:
        raise ValueError("nested too deep") from deep
    if isinstance(document, dict):
        return cast("dict[str, object]", document)
    raise ValueError("not an object")


def _unmarked(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("="):
        raise ValueError("a value without its mark")
    return value[1:]
