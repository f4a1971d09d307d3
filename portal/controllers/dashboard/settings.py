"""All settings on one page, each with what it is now in a few words. What each does is its own page's."""

from typing import Any

import msgspec
from litestar import Request, Response, get

from portal import guards, i18n
from portal.controllers.dashboard.frame import Frame, frame_of, page
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.routers import rights

AnyRequest = Request[Any, Any, Any]


class Entry(msgspec.Struct, frozen=True):
    """A line of the page: where it leads, its name, and what it is about; `is_owners`: only the owner may open it."""

    path: str
    name: str
    about: str
    is_owners: bool = False


PARTS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        N_("Your shop"),
        (
            Entry("/settings/shop", N_("Name, help number, language"), N_("What customers and we call you, and which clock counts.")),
            Entry("/settings/branding", N_("How your pages look"), N_("Colour, logo and words on customers' phones and on paper.")),
            Entry("/team", N_("Team"), N_("Who works here, and what each may do.")),
            Entry("/history", N_("Who did what"), N_("Every change, with who made it, when and from where.")),
        ),
    ),
    (
        N_("Money"),
        (
            Entry("/ways", N_("Ways to be paid"), N_("M‑PESA, Airtel Money and cards. Keys are never shown again."), is_owners=True),
            Entry("/settings/taxes", N_("Receipts and taxes"), N_("Legal name, PIN and VAT on receipts and invoices."), is_owners=True),
            Entry("/settings/money", N_("Refund limit and payout fee"), N_("Up to how much one person alone gives back.")),
        ),
    ),
    (
        N_("Customers"),
        (
            Entry("/settings/time", N_("Lost time and ended sessions"), N_("When a router was away, and when you hear of it.")),
            Entry("/settings/reminders", N_("Reminders to customers by SMS"), N_("Before the end, at the end, and after a long silence.")),
        ),
    ),
    (
        N_("Data"),
        (
            Entry(
                "/settings/data", N_("People's data"), N_("Take all your data along; show or erase what is kept of a customer."),
                is_owners=True,
            ),
        ),
    ),
    (
        N_("Messages to you"),
        (
            Entry("/settings/reports", N_("What we tell you: mornings, weeks, months"), N_("And by which way.")),
            Entry("/messages/settings", N_("Messages: settings"), N_("Your number and mail address, SMS sender, quiet hours, limits.")),
        ),
    ),
    (
        N_("Programs of yours"),
        (
            Entry("/settings/tokens", N_("Tokens"), N_("Let a till or a website use this shop.")),
            Entry("/settings/webhooks", N_("Webhooks"), N_("Tell a program at once what happens here.")),
            Entry("/imports", N_("Bring codes from another system"), N_("From Mikhmon, PHPNuxBill or a list of your own.")),
        ),
    ),
)  # fmt: skip


@get("/settings", guards=[guards.at_merchant])
async def settings_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """The list."""
    rights.changer(actor)
    frame = await frame_of(request, actor, here="settings")
    now = _now(frame) if frame.merchant else {}
    return page(request, frame, "dashboard/settings.html", parts=PARTS, now_is=now, is_owner=actor.role is Role.OWNER)


def _now(frame: Frame) -> dict[str, str]:
    """What is chosen, where a word or two say it."""
    merchant = frame.merchant
    if merchant is None:
        return {}
    return {
        "/settings/shop": f"{merchant.name}, {i18n.NAMES.get(merchant.language, merchant.language)}, {merchant.timezone}",
        "/settings/branding": merchant.look.accent,
    }


ROUTES = [settings_page]
