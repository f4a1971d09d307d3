"""Money that fits nothing: what waits, what it may be for, and the one decision about it, confirmed by typing the amount."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import packages, suggestions, suspense, timeline
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.controllers.dashboard.payments import timeline_context
from portal.controllers.dashboard.suspense_words import RESOLUTION_WORDS, WHY_SUGGESTED, WHY_WORDS
from portal.errors import Conflict, Invalid
from portal.identity import Actor, Role
from portal.money import AmountError, parse_amount
from portal.msgid import N_
from portal.suspense import Choice, Decision, Item
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Done = Annotated[bool, Parameter(query="done")]
CHOOSE = N_("Choose what this money is for.")
SURE = N_("Type the amount that came in, so that nothing is decided by mistake.")
NO_SUCH = N_("Nothing has this reference. Check it and type it again.")
_FIELDS = ("decision", "reference", "package", "phone", "note", "sure")


@get("/suspense")
async def suspense_list(
    request: AnyRequest, actor: Actor, clock: Clock, *, before: Before = None, done: Done = False
) -> Response[str]:
    """What waits for a person; or what was decided too."""
    frame = await frame_of(request, actor, here="sales" if actor.merchant_id is not None else "suspense")
    listed = await suspense.items(actor, before=before, with_resolved=done)
    older = listed[-1].id if len(listed) == suspense.PAGE_SIZE else None
    return money_page(
        request, frame, "dashboard/suspense.html", tab="suspense", items=listed, older=older, before=before, done=done,
        now=clock.now(), why_words=WHY_WORDS, resolution_words=RESOLUTION_WORDS,
    )  # fmt: skip


@get("/suspense/{suspense_id:int}")
async def suspense_page(request: AnyRequest, actor: Actor, clock: Clock, suspense_id: RowId) -> Response[str]:
    """One of them: what is known of it, and the decision."""
    return await _page(request, actor, clock, await suspense.one(actor, suspense_id))


@post("/suspense/{suspense_id:int}")
async def decide(
    request: AnyRequest, actor: Actor, clock: Clock, *, vault: Vault, suspense_id: RowId
) -> Response[str] | Response[bytes]:
    """Carry the decision out; 422 with the form when something is missing."""
    item = await suspense.one(actor, suspense_id)
    sent = await request.form()
    typed = {name: str(sent.get(name, ""))[:200] for name in _FIELDS}
    try:
        choice = await _choice(actor, item, typed)
        await suspense.resolve_suspense(actor, suspense_id, choice, vault=vault, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _page(request, actor, clock, item, typed=typed, error=error)
    return see_other(request, f"/suspense/{suspense_id}")


async def _choice(actor: Actor, item: Item, typed: dict[str, str]) -> Choice:
    """The decision the form means; Invalid, by field, when it does not say enough."""
    kind, _, named = typed["decision"].partition("-")
    target = int(named) if named.isascii() and named.isdigit() and len(named) < 19 else None
    if kind == "reference":
        found = await suggestions.by_reference(actor, typed["reference"])
        if found is None:
            raise Invalid({"reference": NO_SUCH})
        kind, target = found
    elif kind == "package":
        target = int(typed["package"]) if typed["package"].isascii() and typed["package"].isdigit() else None
    if kind not in {each.value for each in Decision} or (kind in {"voucher", "checkout", "package"} and target is None):
        raise Invalid({"decision": CHOOSE})
    if not _is_sure(item, typed["sure"]):
        raise Invalid({"sure": SURE})
    return Choice(Decision(kind), target_id=target, phone=typed["phone"], note=typed["note"].strip())


def _is_sure(item: Item, typed: str) -> bool:
    try:
        return parse_amount(typed) == item.cents
    except AmountError:
        return False


async def _page(
    request: AnyRequest, actor: Actor, clock: Clock, item: Item, *, typed: dict[str, str] | None = None,
    error: Invalid | Conflict | None = None,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="sales" if actor.merchant_id is not None else "suspense")
    received, facts = await timeline.of_suspense(actor, item.id)
    may_decide = actor.merchant_id is None or actor.role in (Role.OWNER, Role.MANAGER)
    is_open = item.status == "open"
    on_sale = (
        await packages.on_sale(actor.merchant_id, now=clock.now()) if is_open and actor.merchant_id is not None else []
    )
    return money_page(
        request, frame, "dashboard/suspense_item.html", tab="suspense", status=error.status_code if error else 200,
        item=item, received=received, facts=facts, may_decide=may_decide and is_open, now=clock.now(),
        suggested=await suggestions.for_item(actor, item.id) if is_open else [],
        on_sale=[each for each in on_sale if each.price_cents <= item.cents], typed=typed or dict.fromkeys(_FIELDS, ""),
        wrong=error.fields if isinstance(error, Invalid) else {}, told=error.message if isinstance(error, Conflict) else "",
        why_words=WHY_WORDS, why_suggested=WHY_SUGGESTED, resolution_words=RESOLUTION_WORDS, **timeline_context(),
    )  # fmt: skip


ROUTES = [suspense_list, suspense_page, decide]
