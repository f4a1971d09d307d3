"""Packages at the API: made, changed from now on, no longer sold, sold again. Read as the form in the dashboard is read, so the same
rules hold and the same sentences are said; only the names of fields differ."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.params import Parameter

from portal import codes, merchants, packages
from portal.api_tokens import Caller, Scope
from portal.api_views import shops
from portal.api_views.shops import Package
from portal.clock import Clock
from portal.controllers.api.door import form_key, needs
from portal.controllers.api.paging import RowId
from portal.errors import Invalid
from portal.msgid import N_

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")
READ, WRITE = needs(Scope.PACKAGES_READ), needs(Scope.PACKAGES_WRITE)
Standing = Annotated[Literal["active", "archived"], Parameter(query="state", description="active: on sale")]
Whole = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
WHOLE_MINUTES = N_("Give whole minutes: a number of seconds that 60 divides.")
WHOLE_MEGABYTES = N_("Give whole megabytes: a number of bytes that 1,048,576 divides.")
#: What the form calls a field, and what it is called here.
_NAMES = {
    "price": "price_cents", "length": "duration_s", "uptime": "uptime_s", "data": "data_bytes", "down": "rate_down_kbps",
    "up": "rate_up_kbps", "clock": "clock_from", "routers": "router_ids",
}  # fmt: skip


class PackageChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be otherwise; what is left out stays. Lengths in seconds (whole minutes), data in bytes (whole MiB), speeds in
    kbit/s, prices in cents (whole shillings); null: no limit. `router_ids` empty: all routers."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    price_cents: Whole | msgspec.UnsetType = msgspec.UNSET
    duration_s: Whole | msgspec.UnsetType = msgspec.UNSET
    uptime_s: Whole | msgspec.UnsetType | None = msgspec.UNSET
    data_bytes: Whole | msgspec.UnsetType | None = msgspec.UNSET
    rate_down_kbps: Whole | msgspec.UnsetType | None = msgspec.UNSET
    rate_up_kbps: Whole | msgspec.UnsetType | None = msgspec.UNSET
    devices: Whole | msgspec.UnsetType = msgspec.UNSET
    clock_from: Literal["first_use", "purchase"] | msgspec.UnsetType = msgspec.UNSET
    activation_days: Whole | msgspec.UnsetType | None = msgspec.UNSET
    purchase_days: Whole | msgspec.UnsetType | None = msgspec.UNSET
    router_ids: list[Whole] | msgspec.UnsetType = msgspec.UNSET


class PackageWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A package to make. Lengths in seconds (whole minutes), data in bytes (whole MiB), speeds in kbit/s, prices in cents (whole
    shillings); null: no limit. `clock_from`: when the duration begins. `router_ids` empty: all routers."""

    name: str
    price_cents: Whole
    duration_s: Whole
    description: str = ""
    uptime_s: Whole | None = None
    data_bytes: Whole | None = None
    rate_down_kbps: Whole | None = None
    rate_up_kbps: Whole | None = None
    devices: Whole = 1
    clock_from: Literal["first_use", "purchase"] = "first_use"
    activation_days: Whole | None = None
    purchase_days: Whole | None = None
    router_ids: list[Whole] = []


@get("/packages", guards=[READ], opt={"scopes": ["packages:read"]})
async def list_packages(*, caller: Caller, clock: Clock, standing: Standing = "active") -> list[Package]:
    """Packages: those on sale in the order customers see, or the archived ones."""
    return await shops.all_packages(caller.actor, is_active=standing == "active", now=clock.now())


@get("/packages/{package_id:int}", guards=[READ], opt={"scopes": ["packages:read"]})
async def read_package(package_id: RowId, *, caller: Caller, clock: Clock) -> Package:
    """One package."""
    return await shops.package(caller.actor, package_id, now=clock.now())


@post("/packages", guards=[WRITE], opt={"scopes": ["packages:write"]})
async def make_package(request: AnyRequest, data: PackageWish, *, caller: Caller, clock: Clock) -> Response[Package]:
    """Make a package; it is sold at once, last in the order."""
    texts, lists = _typed(msgspec.to_builtins(data))
    zone, key = await _zone(caller), form_key(request, caller) or codes.hex_token(20)
    package_id = await _named(
        lambda: packages.make(caller.actor, texts, lists, zone=zone, form_key=key, now=clock.now())
    )
    made = await shops.package(caller.actor, package_id, now=clock.now())
    return Response(made, status_code=201, headers={"location": f"/api/packages/{package_id}"})


@patch("/packages/{package_id:int}", guards=[WRITE], opt={"scopes": ["packages:write"]})
async def change_package(package_id: RowId, data: PackageChange, *, caller: Caller, clock: Clock) -> Package:
    """Change a package from now on; what was sold stays as it was sold."""
    zone = await _zone(caller)
    texts, lists = packages.as_typed((await packages.page_of(caller.actor, package_id, now=clock.now())).draft, zone)
    new_texts, new_lists = _typed(msgspec.to_builtins(data))
    if "routers" in new_lists:
        texts["where"] = new_texts["where"]
    known = {name: text for name, text in new_texts.items() if name != "where"}
    await _named(
        lambda: packages.rewrite(
            caller.actor, package_id, texts | known, {**lists, **new_lists}, zone=zone, now=clock.now()
        )
    )
    return await shops.package(caller.actor, package_id, now=clock.now())


@post("/packages/{package_id:int}/archive", guards=[WRITE], opt={"scopes": ["packages:write"]}, status_code=200)
async def archive_package(package_id: RowId, *, caller: Caller, clock: Clock) -> Package:
    """Sell it no longer; what was sold goes on. Repeatable."""
    await packages.archive(caller.actor, package_id, now=clock.now())
    return await shops.package(caller.actor, package_id, now=clock.now())


@post("/packages/{package_id:int}/restore", guards=[WRITE], opt={"scopes": ["packages:write"]}, status_code=200)
async def restore_package(package_id: RowId, *, caller: Caller, clock: Clock) -> Package:
    """Sell it again, as it is. Repeatable."""
    await packages.restore(caller.actor, package_id, now=clock.now())
    return await shops.package(caller.actor, package_id, now=clock.now())


async def _zone(caller: Caller) -> ZoneInfo:
    return ZoneInfo((await merchants.profile(caller.actor.at_merchant())).timezone)


async def _named(deed: Callable[[], Awaitable[T]]) -> T:
    """What it returns; what is wrong is told by the names fields have here."""
    try:
        return await deed()
    except Invalid as error:
        raise Invalid({_NAMES.get(name, name): words for name, words in error.fields.items()}) from error


def _typed(given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The same as the form in the dashboard would send it; only what was given."""
    texts = {name: _text(given[name]) for name in _SAME if name in given}
    for name, of in (("length", "duration_s"), ("uptime", "uptime_s")):
        if of in given:
            texts |= {name: _minutes(of, given[of]), f"{name}_unit": "minute"}
    if "data_bytes" in given:
        texts |= {"data": _megabytes(given["data_bytes"]), "data_unit": "MB"}
    for name, of in (("down", "rate_down_kbps"), ("up", "rate_up_kbps")):
        if of in given:
            texts[name] = "" if given[of] is None else f"{given[of] / 1000:.3f}"
    if "price_cents" in given:
        texts["price"] = f"{given['price_cents'] // 100}.{given['price_cents'] % 100:02d}"
    if "clock_from" in given:
        texts["clock"] = given["clock_from"]
    if "router_ids" not in given:
        return texts, {}
    texts["where"] = "some" if given["router_ids"] else "all"
    return texts, {"routers": [str(one) for one in given["router_ids"]]}


_SAME = ("name", "description", "devices", "activation_days", "purchase_days")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _minutes(name: str, seconds: int | None) -> str:
    if seconds is None:
        return ""
    if seconds % 60:
        raise Invalid({name: WHOLE_MINUTES})
    return str(seconds // 60)


def _megabytes(size: int | None) -> str:
    if size is None:
        return ""
    if size % 1024**2:
        raise Invalid({"data_bytes": WHOLE_MEGABYTES})
    return str(size // 1024**2)


HANDLERS = [list_packages, read_package, make_package, change_package, archive_package, restore_package]
