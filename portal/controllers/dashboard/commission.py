"""A month's commission statement from the platform to a merchant: to read, to print, and as a file."""

from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter

from portal import guards, payouts, spreadsheets
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.controllers.dashboard.paper_words import WAY_WORDS
from portal.controllers.dashboard.timeline_words import METHOD_WORDS
from portal.errors import Invalid, NotFound
from portal.i18n import Language
from portal.identity import Actor
from portal.invoices.commission import Commission, commission
from portal.msgid import N_
from portal.web import language_of

AnyRequest = Request[Any, Any, Any]
Month = Annotated[str, Parameter(query="month", max_length=7)]
_WAYS = {**METHOD_WORDS, **WAY_WORDS}
_HEAD = (N_("What"), N_("Rate"), N_("Count"), N_("Sold"), N_("Commission"), N_("Currency"))


@get("/payouts/commission", guards=[guards.at_merchant])
async def commission_page(request: AnyRequest, actor: Actor, clock: Clock, month: Month = "") -> Response[str]:
    """The statement of a month."""
    months = await payouts.months_of(actor, now=clock.now())
    shown = await _of(actor, month or f"{months[0]:%Y-%m}")
    frame = await frame_of(request, actor, here="payouts")
    return money_page(
        request, frame, "dashboard/commission.html", tab="payouts", statement=shown, months=months, ways=_WAYS,
        month_name=_month_name, made_at=clock.now(),
    )  # fmt: skip


@get("/payouts/commission.csv", guards=[guards.at_merchant])
async def commission_file(request: AnyRequest, actor: Actor, clock: Clock, month: Month = "") -> Response[str]:
    """The same as a file."""
    shown = await _of(actor, month or f"{(await payouts.months_of(actor, now=clock.now()))[0]:%Y-%m}")
    headers = {
        "content-disposition": f'attachment; filename="commission-{shown.month:%Y-%m}.csv"', "cache-control": "no-store"
    }  # fmt: skip
    text = spreadsheets.MARK + spreadsheets.table(_rows(shown, language_of(request)))
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


async def _of(actor: Actor, month: str) -> Commission:
    try:
        return await commission(actor, month)
    except Invalid as error:
        raise NotFound from error


def _rows(shown: Commission, language: Language) -> list[list[object]]:
    say, currency = language.gettext, shown.currency
    lines: list[list[object]] = [
        [
            say(_WAYS.get(line.way, line.way)), "" if line.rate_bp is None else line.rate_bp / 100, line.count,
            line.sold_cents / 100, line.commission_cents / 100, currency,
        ]
        for line in shown.lines
    ]  # fmt: skip
    fees: list[object] = [N_("Fees of payouts"), "", shown.payouts, "", shown.payout_fees_cents / 100, currency]
    sms: list[object] = [N_("SMS"), "", shown.messages, "", shown.sms_cents / 100, currency]
    total: list[object] = [N_("Total"), "", "", shown.sold_cents / 100, shown.total_cents / 100, currency]
    vat: list[object] = [N_("VAT in it"), shown.by.vat_bp / 100, "", "", shown.vat_cents / 100, currency]
    said: list[list[object]] = [[say(str(each[0])), *each[1:]] for each in (fees, sms, total, vat)]
    return [[say(name) for name in _HEAD], *lines, *said]


def _month_name(month: date) -> str:
    """ "11/2026": the same in every language."""
    return f"{month:%m/%Y}"


ROUTES = [commission_page, commission_file]
