"""Agents for owners and managers: who they are, what they have and owe, giving, taking back, money, and the statement. And an agent's
own account."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import batch_pages, codes, guards
from portal.agents import accounts, people
from portal.agents.people import Draft
from portal.clock import Clock
from portal.controllers.dashboard.agent_deeds import DONE_WORDS, deed_of
from portal.controllers.dashboard.agent_words import AGENT_WORDS, COLUMNS, HOW_WORDS
from portal.controllers.dashboard.agents_only import FOR_AGENTS
from portal.controllers.dashboard.frame import Frame, frame_of, page
from portal.controllers.dashboard.voucher_frame import typed_in
from portal.errors import Conflict, Invalid, PortalError
from portal.exports.names import attachment, file_name
from portal.identity import Actor, Role
from portal.printing.cards_of import MOST_CHOSEN
from portal.spreadsheets import MARK, table
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Month = Annotated[str, Parameter(query="month", max_length=7)]
Done = Annotated[str, Parameter(query="done", max_length=20)]


@get("/agents", guards=[guards.at_merchant])
async def agent_list(request: AnyRequest, actor: Actor, closed: bool = False) -> Response[str]:
    """Who owes what."""
    found = await accounts.agents(actor, closed=closed)
    frame = await frame_of(request, actor, here="agents")
    return page(request, frame, "dashboard/agents.html", agents=found, closed=closed, agent_words=AGENT_WORDS)


@get("/agents/new", guards=[guards.at_merchant])
async def agent_new(request: AnyRequest, actor: Actor) -> Response[str]:
    """The form."""
    people.manager(actor)
    return await _form(request, actor, typed={"terms": "advance", "commission": "10"})


@post("/agents", guards=[guards.at_merchant])
async def agent_make(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Make one."""
    form = await typed_in(request)
    try:
        agent_id = await people.make(actor, _draft(form), form_key=form.get("form_key") or None, now=clock.now())
    except Invalid as error:
        return await _form(request, actor, typed=form, error=error)
    return see_other(request, f"/agents/{agent_id}")


@get("/agents/{agent_id:int}", guards=[guards.at_merchant])
async def agent_page(
    request: AnyRequest, actor: Actor, clock: Clock, agent_id: RowId, *, before: Before = None, done: Done = ""
) -> Response[str]:
    """One, with all that can be done."""
    return await _One(request, actor, agent_id, clock).page(before=before, done=DONE_WORDS.get(done, ""))


@get("/agents/{agent_id:int}/edit", guards=[guards.at_merchant])
async def agent_edit(request: AnyRequest, actor: Actor, agent_id: RowId) -> Response[str]:
    """The form, filled."""
    people.manager(actor)
    shown = await accounts.agent(actor, agent_id)
    terms = {None: "open", 0: "advance"}.get(shown.credit_cents, "limit")
    own = await accounts.rates(actor, agent_id)
    typed = {
        "name": shown.name, "phone": shown.phone, "commission": f"{shown.commission_bp / 100:g}", "terms": terms, "note": shown.note,
        "limit": f"{shown.credit_cents / 100:g}" if shown.credit_cents else "", "user": str(shown.user_id or ""),
        **{f"rate-{package}": f"{bp / 100:g}" for package, bp in own.items()},
    }  # fmt: skip
    return await _form(request, actor, typed=typed, agent_id=agent_id)


@post("/agents/{agent_id:int}/edit", guards=[guards.at_merchant])
async def agent_rewrite(request: AnyRequest, actor: Actor, clock: Clock, agent_id: RowId) -> Response[Any]:
    """Change one."""
    people.manager(actor)
    await accounts.agent(actor, agent_id)
    form = await typed_in(request)
    try:
        await people.rewrite(actor, agent_id, _draft(form), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _form(request, actor, typed=form, agent_id=agent_id, error=error)
    return see_other(request, f"/agents/{agent_id}?done=edit")


@get("/agents/{agent_id:int}/statement", guards=[guards.at_merchant])
async def agent_statement(
    request: AnyRequest, actor: Actor, clock: Clock, agent_id: RowId, *, month: Month = ""
) -> Response[str]:
    """A month, to print."""
    return await _statement(request, actor, clock, agent_id, month=month)


@get("/agents/{agent_id:int}/statement.csv", guards=[guards.at_merchant])
async def agent_csv(
    request: AnyRequest, actor: Actor, clock: Clock, agent_id: RowId, *, month: Month = ""
) -> Response[bytes]:
    """The same as a file."""
    return await _csv(request, actor, clock, agent_id, month=month)


@get("/agents/{agent_id:int}/cards/{allotment_id:int}/print", guards=[guards.at_merchant])
async def print_cards(request: AnyRequest, actor: Actor, agent_id: RowId, allotment_id: RowId) -> Response[bytes]:
    """To the print page of what an agent has in hand; of more than that takes, to the whole batch's."""
    batch_id, cards = await accounts.cards_of(actor, agent_id, allotment_id, most=MOST_CHOSEN + 1)
    if len(cards) > MOST_CHOSEN:
        return see_other(request, f"/vouchers/batches/{batch_id}/print?layout=a4-40")
    return see_other(request, f"/vouchers/print?layout=a4-40&ids={','.join(map(str, cards))}")


@post("/agents/{agent_id:int}/{what:str}", guards=[guards.at_merchant])
async def act(request: AnyRequest, actor: Actor, agent_id: RowId, what: str, clock: Clock) -> Response[Any]:
    """Give, take back, money, pause."""
    people.manager(actor)
    await accounts.agent(actor, agent_id)
    form = await typed_in(request)
    try:
        await deed_of(actor, agent_id, what, form, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _One(request, actor, agent_id, clock).page(error=error, typed=form, deed=what)
    return see_other(request, f"/agents/{agent_id}?done={what}")


@get("/agent", guards=[guards.at_merchant], opt={FOR_AGENTS: True})
async def own_account(request: AnyRequest, actor: Actor, clock: Clock, month: Month = "") -> Response[Any]:
    """An agent's own: stock, what is owed, this month."""
    if actor.agent_id is None:
        return see_other(request, "/agents")
    return await _own(request, actor, clock, actor.agent_id, month=month)


@get("/agent/statement.csv", guards=[guards.at_merchant], opt={FOR_AGENTS: True})
async def own_csv(request: AnyRequest, actor: Actor, clock: Clock, month: Month = "") -> Response[bytes]:
    """An agent's own month as a file."""
    if actor.agent_id is None:
        return see_other(request, "/agents")
    return await _csv(request, actor, clock, actor.agent_id, month=month)


def _draft(form: dict[str, str]) -> Draft:
    rates = {
        int(name[5:]): text
        for name, text in form.items()
        if name.startswith("rate-") and name[5:].isascii() and name[5:].isdecimal() and len(name) < 24
    }
    plain = {name: form.get(name, "") for name in ("name", "phone", "commission", "terms", "limit", "note", "user")}
    return Draft(rates=rates, **plain)


async def _form(
    request: AnyRequest, actor: Actor, *, typed: dict[str, str], agent_id: int | None = None, error: PortalError | None = None
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="agents")
    wrong, told = _said(frame, error)
    answer = page(
        request, frame, "dashboard/agent_form.html", typed=typed, wrong=wrong, told=told, agent_id=agent_id,
        form_key=codes.hex_token(16), has_rates=any(text for name, text in typed.items() if name.startswith("rate-")),
        packages=await batch_pages.packages_of(actor),
        cashiers=await people.free_cashiers(actor, agent_id=agent_id),
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


def _said(frame: Frame, error: PortalError | None) -> tuple[dict[str, str], str]:
    wrong = error.fields if isinstance(error, Invalid) else {}
    return wrong, frame.language.say(error.message, error.params) if error is not None and not wrong else ""


async def _statement(request: AnyRequest, actor: Actor, clock: Clock, agent_id: int, *, month: str) -> Response[str]:
    shown = await accounts.agent(actor, agent_id)
    told = await accounts.statement(actor, agent_id, month, now=clock.now())
    frame = await frame_of(request, actor, here="agents")
    return page(
        request, frame, "dashboard/agent_statement.html", agent=shown, statement=told, how_words=HOW_WORDS, month_name="{:%m/%Y}".format,
        months=accounts.months(shown.created_at, now=clock.now(), zone=frame.zone), now=clock.now(),
    )  # fmt: skip


async def _csv(request: AnyRequest, actor: Actor, clock: Clock, agent_id: int, *, month: str) -> Response[bytes]:
    shown = await accounts.agent(actor, agent_id)
    told = await accounts.statement(actor, agent_id, month, now=clock.now())
    frame = await frame_of(request, actor, here="agents")
    say = frame.language.gettext
    rows: list[list[object]] = [[say(column) for column in COLUMNS]]
    for line in told.lines:
        when, what = (
            line.at.astimezone(frame.zone).isoformat(timespec="minutes"),
            say(HOW_WORDS.get(line.how, line.how)),
        )
        rows.append([when, what, line.what, line.cents / 100, line.balance_cents / 100])
    name = file_name(f"agent-{agent_id}", shown.name, told.month, "csv")
    return Response((MARK + table(rows)).encode(), media_type="text/csv; charset=utf-8", headers=attachment(name))


async def _own(request: AnyRequest, actor: Actor, clock: Clock, agent_id: int, *, month: str) -> Response[str]:
    shown, now = await accounts.agent(actor, agent_id), clock.now()
    frame = await frame_of(request, actor, here="agent")
    return page(
        request, frame, "dashboard/agent_own.html", agent=shown, statement=await accounts.statement(actor, agent_id, month, now=now),
        held=await accounts.held(actor, agent_id), how_words=HOW_WORDS, month_name="{:%m/%Y}".format, now=now,
        months=accounts.months(shown.created_at, now=now, zone=frame.zone), paybill=await batch_pages.paybill(actor.at_merchant()),
    )  # fmt: skip


@dataclass(slots=True)
class _One:
    """The page of one agent, again and again the same but for what went wrong."""

    request: AnyRequest
    actor: Actor
    id: int
    clock: Clock

    async def page(
        self, *, before: int | None = None, done: str = "", error: PortalError | None = None, typed: dict[str, str] | None = None,
        deed: str = "",
    ) -> Response[str]:  # fmt: skip
        """Render it."""
        people.manager(self.actor)
        shown = await accounts.agent(self.actor, self.id)
        frame = await frame_of(self.request, self.actor, here="agents")
        wrong, told = _said(frame, error)
        held = await accounts.held(self.actor, self.id, before=before)
        answer = page(
            self.request, frame, "dashboard/agent.html", agent=shown, held=held, older=held[-1].id if len(held) == 20 else None,
            batches=await accounts.batches_to_give(self.actor), wrong=wrong, told=told, typed=typed or {}, deed=deed, done=done,
            form_key=codes.hex_token(16), now=self.clock.now(), agent_words=AGENT_WORDS, how_words=HOW_WORDS,
            is_owner=self.actor.role is Role.OWNER, paybill=await batch_pages.paybill(self.actor.at_merchant()),
            statement=await accounts.statement(self.actor, self.id, "", now=self.clock.now()),
        )  # fmt: skip
        answer.status_code = error.status_code if error else 200
        return answer


ROUTES = [
    agent_list, agent_new, agent_make, agent_page, agent_edit, agent_rewrite, agent_statement, agent_csv, print_cards, act,
    own_account, own_csv,
]  # fmt: skip
