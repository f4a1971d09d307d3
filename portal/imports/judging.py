"""The look before anything is made: of each row of a file whether it will be made, joins what is there, or is skipped, and why."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.imports import foreign
from portal.imports.found import Code, Found, Kind, Package, Why, fold_name
from portal.vault import Vault

_MOST_CENTS = 100_000_000


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A row with what is to become of it. `data`: all that is needed to make it, as JSON."""

    line: int
    kind: Kind
    name: str
    package: str = ""
    amount_cents: int | None = None
    verdict: str
    why: Why | None = None
    is_weak: bool = False
    is_running: bool = False
    data: str = ""


class PackagePlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a package is made with; `joins`: the one there is already."""

    key: str
    name: str
    price_cents: int = 0
    duration_s: int = 0
    uptime_s: int | None = None
    data_bytes: int | None = None
    rate_down_kbps: int | None = None
    rate_up_kbps: int | None = None
    devices: int = 1
    joins: int | None = None


class CodePlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a voucher is made with. `ends_at`: until when it may be used at all, known from there."""

    text: str
    package: str
    price_cents: int
    duration_s: int
    uptime_s: int | None = None
    data_bytes: int | None = None
    rate_down_kbps: int | None = None
    rate_up_kbps: int | None = None
    devices: int = 1
    is_running: bool = False
    is_weak: bool = False
    ends_at: datetime | None = None


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the merchant has: packages by folded name, and how many routers and live codes."""

    packages: Mapping[str, Record]
    routers: int
    live: int
    zone: ZoneInfo


async def _known(merchant_id: int) -> _Known:
    rows = await DB.fetch(
        """SELECT id, name, price_cents, duration_s, uptime_s, data_bytes, rate_down_kbps, rate_up_kbps, devices FROM packages
           WHERE merchant_id = $1 AND period = 'once' AND price_cents > 0 ORDER BY is_active, id DESC""",
        merchant_id,
    )
    row = await DB.row(
        """SELECT timezone, (SELECT count(*) FROM routers r WHERE r.merchant_id = m.id AND r.status <> 'removed') AS routers,
                  (SELECT count(*) FROM vouchers v WHERE v.merchant_id = m.id AND v.status IN ('unsold', 'paid', 'in_use')) AS live
           FROM merchants m WHERE id = $1""",
        merchant_id,
    )
    assert row is not None
    packages = {fold_name(each["name"]): each for each in rows}
    return _Known(packages=packages, routers=row["routers"], live=row["live"], zone=ZoneInfo(row["timezone"]))


async def judge(merchant_id: int, found: Found, *, vault: Vault, now: datetime) -> list[Verdict]:
    """Every row's verdict, packages first. Reads only."""
    known = await _known(merchant_id)
    judged = [_package(package, known) for package in found.packages]
    plans = {
        plan.key: plan
        for each in judged
        if each.verdict in ("make", "join") and (plan := msgspec.json.decode(each.data, type=PackagePlan))
    }
    for key, row in known.packages.items():
        plans.setdefault(key, _join(key, row))
    named = {package.key: package.name for package in found.packages} | {key: plan.name for key, plan in plans.items()}
    taken = await _taken(merchant_id, found.codes, vault)
    many = known.live + len(found.codes)
    seen: set[str] = set()
    for code in found.codes:
        name = named.get(code.package, code.package)
        judged.append(_code(code, plans, known, name=name, many=many, seen=seen, taken=taken, now=now))
        if judged[-1].verdict == "make":
            seen.add(foreign.plain(code.text))
    judged += [
        Verdict(line=each.line, kind=each.kind, name=each.name, amount_cents=each.cents, verdict="tell", why=each.why)
        for each in found.others
    ]
    return judged


async def _taken(merchant_id: int, codes: Sequence[Code], vault: Vault) -> set[str]:
    """Which of the codes there are already, from an earlier import."""
    texts = sorted({foreign.plain(code.text) for code in codes})
    hashes = dict(zip(vault.code_hash_all([foreign.kept(text) for text in texts]), texts, strict=True))
    rows = await DB.fetch(
        "SELECT code_hash FROM vouchers WHERE merchant_id = $1 AND code_hash = ANY($2)", merchant_id, list(hashes)
    )
    return {hashes[row["code_hash"]] for row in rows}


def _join(key: str, row: Record) -> PackagePlan:
    columns = {name: value for name, value in row.items() if name != "id"}
    return PackagePlan(key=key, joins=row["id"], **columns)


def _package(package: Package, known: _Known) -> Verdict:
    there = known.packages.get(package.key)
    why = package.why
    if there is not None and why in (None, Why.NO_PACKAGE, Why.BAD_PRICE, Why.BAD_LENGTH):
        plan, verdict, why = _join(package.key, there), "join", None
    elif why is None and (
        package.price_cents is None or package.price_cents % 100 or package.price_cents > _MOST_CENTS
    ):
        plan, verdict, why = None, "skip", Why.BAD_PRICE
    elif why is not None:
        plan, verdict = None, "skip"
    else:
        columns = msgspec.structs.asdict(package)
        plan = PackagePlan(**{name: columns[name] for name in PackagePlan.__struct_fields__ if name != "joins"})
        verdict = "make"
    return Verdict(
        line=package.line, kind=Kind.PACKAGE, name=package.name, package=package.name, verdict=verdict, why=why,
        amount_cents=plan.price_cents if plan else package.price_cents,
        data=msgspec.json.encode(plan).decode() if plan else "",
    )  # fmt: skip


def _code(
    code: Code, plans: Mapping[str, PackagePlan], known: _Known, *, name: str, many: int, seen: set[str], taken: set[str],
    now: datetime,
) -> Verdict:  # fmt: skip
    text, plan = foreign.plain(code.text), plans.get(code.package)
    ends = code.expires_local.replace(tzinfo=known.zone) if code.expires_local else None
    why = code.why or _why_not(code, text, plan, seen=seen, taken=taken)
    if why is None and ends is not None and ends <= now:
        why = Why.OVER
    weak = bool(text) and foreign.is_weak(text, codes=many, routers=known.routers)
    made = ""
    price = code.price_cents if code.price_cents is not None else plan.price_cents if plan else None
    if why is None and plan is not None:
        what = CodePlan(
            text=text, package=plan.key, price_cents=price or 0, duration_s=code.duration_s or plan.duration_s,
            uptime_s=code.uptime_s or plan.uptime_s, data_bytes=code.data_bytes or plan.data_bytes,
            rate_down_kbps=plan.rate_down_kbps, rate_up_kbps=plan.rate_up_kbps, devices=plan.devices,
            is_running=code.is_running, is_weak=weak, ends_at=ends,
        )  # fmt: skip
        made = msgspec.json.encode(what).decode()
    return Verdict(
        line=code.line, kind=Kind.CODE, name=foreign.hint(text), package=name[:60], amount_cents=price, why=why, data=made,
        verdict="skip" if why else "make", is_weak=weak, is_running=code.is_running,
    )  # fmt: skip


def _why_not(code: Code, text: str, plan: PackagePlan | None, *, seen: set[str], taken: set[str]) -> Why | None:
    if not text:
        return Why.NO_CODE
    if len(text) > foreign.LONGEST:
        return Why.LONG_CODE
    if text in seen or text in taken:
        return Why.TWICE if text in seen else Why.TAKEN
    if plan is None:
        return Why.NO_PACKAGE
    if code.price_cents is not None and (code.price_cents % 100 or code.price_cents > _MOST_CENTS):
        return Why.BAD_PRICE
    return None
