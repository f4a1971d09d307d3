"""Who may do what: one row for every route of the application. `test_rights.py` fails on a route without one, and tries each row
with the owner, a manager, a cashier, a viewer, the owner of another merchant, the operator, and nobody.

How to add your route (same commit as the route):
  1. `"GET /things/{thing_id:int}": ALL,` in RIGHTS, spelled as Litestar has it. The value says whom it is for:
       PUBLIC, CAPTIVE (customers), TOKEN (a secret in the address, a header or the body), SIGNED_IN (anybody with an account),
       ALL (everybody of a merchant), SELLERS (all but viewers), MANAGERS (owner, manager), OWNER, OPERATOR;
       `| OPERATOR` when the operator may use it without looking at a merchant. For everybody else of the merchant it is 403.
  2. A number in the path (`thing_id`) needs a row of the cast's merchant in `rights_places.furnish`, under that name. The rival
     must get for it exactly the answer he gets for a number that does not exist: 404. A word in the path (`{kind:str}`):
     `ALL.at(kind="smtp")`. Words, fields and queries may name places: `.sending(thing="{thing_id}")`.
  3. A form that is looked at before the rights are needs valid fields: `MANAGERS.sending(name="X")`; an address with a query:
     `.asking("kind=x&one={thing_id}")`. Without them the form is sent empty: whoever may is told what is missing (422), the others 403.
  4. One path for several deeds with different rights: a tuple of rows.
Those who may not must change nothing: the test counts events, messages and people before and after."""

from typing import NamedTuple

ROLES = frozenset({"owner", "manager", "cashier", "viewer"})


class Right(NamedTuple):
    """Whom a route is for. `who` holds roles, "operator", "anybody" (with an account), "public", "captive" or "token"."""

    who: frozenset[str]
    fields: tuple[tuple[str, str], ...] = ()
    query: str = ""
    words: tuple[tuple[str, str], ...] = ()
    #: How others of the merchant are refused: 403; 404 where the page is not there for them.
    refusal: int = 403
    #: Whoever may gets 404 as well: the row is there, what the form names in it is not.
    is_vain: bool = False

    def __or__(self, other: "Right") -> "Right":  # pyright: ignore[reportIncompatibleMethodOverride]
        """Also for whom the other is."""
        return self._replace(who=self.who | other.who)

    def at(self, **words: str) -> "Right":
        """With these words in the path."""
        return self._replace(words=tuple(words.items()))

    def sending(self, **fields: str) -> "Right":
        """With this form."""
        return self._replace(fields=tuple(fields.items()))

    def asking(self, query: str) -> "Right":
        """With this query."""
        return self._replace(query=query)

    def in_vain(self) -> "Right":
        """Nothing can be made that it would find: those who may get 404, all others of the merchant 403."""
        return self._replace(is_vain=True)

    def hidden(self) -> "Right":
        """For whoever of the merchant may not, it is not there (404)."""
        return self._replace(refusal=404)


PUBLIC, CAPTIVE, TOKEN = Right(frozenset({"public"})), Right(frozenset({"captive"})), Right(frozenset({"token"}))
SIGNED_IN = Right(frozenset({"anybody"}))
ALL, SELLERS = Right(ROLES), Right(ROLES - {"viewer"})
MANAGERS, OWNER = Right(frozenset({"owner", "manager"})), Right(frozenset({"owner"}))
OPERATOR = Right(frozenset({"operator"}), refusal=404)

_OUTSIDE: dict[str, Right] = {
    "GET /favicon.ico": PUBLIC,
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /sign-in": PUBLIC,
    "POST /sign-in": PUBLIC,
    **dict.fromkeys(
        (
            "POST /sign-in/passkey",
            "POST /sign-in/passkey/options",
            "GET /sign-in/second",
            "POST /sign-in/second",
            "POST /sign-in/second/options",
            "GET /forgot",
            "POST /forgot",
            "GET /reset",
            "POST /reset",
            "GET /sign-up",
            "POST /sign-up",
            "GET /confirm",
            "POST /confirm",
            "GET /join",
            "POST /join",
        ),
        PUBLIC,
    ),
    "GET /static/{path:path}": PUBLIC.at(path="portal.css"),
    **dict.fromkeys(
        (
            "GET /c/{site:str}",
            "GET /c/{site:str}/buy/{package_id:int}",
            "POST /c/{site:str}/buy/{package_id:int}",
            "GET /c/{site:str}/buy/{package_id:int}/free",
            "POST /c/{site:str}/buy/{package_id:int}/free",
            "GET /c/{site:str}/buy/{package_id:int}/by/{way:str}",
            "POST /c/{site:str}/buy/{package_id:int}/by/{way:str}",
            "GET /c/{site:str}/buy/{package_id:int}/kept",
            "POST /c/{site:str}/buy/{package_id:int}/kept",
            "GET /c/{site:str}/buy/{package_id:int}/promo",
            "POST /c/{site:str}/buy/{package_id:int}/promo",
            "GET /c/{site:str}/code",
            "POST /c/{site:str}/code",
            "GET /c/{site:str}/paid",
            "POST /c/{site:str}/paid",
            "GET /V/{handle:str}",
            "GET /v/{handle:str}",
            "GET /w/{token:str}",
            "GET /w/{token:str}/hand",
            "GET /w/{token:str}/hand/state",
            "GET /w/{token:str}/paid",
            "POST /w/{token:str}/paid",
            "GET /w/{token:str}/paid/state",
            "GET /w/{token:str}/state",
        ),
        CAPTIVE,
    ),
    "GET /api/docs": PUBLIC,
    "GET /api/openapi.json": PUBLIC,
    "GET /api/captive/packages": CAPTIVE.asking("routerId=nobody"),
    "GET /api/captive/payment-status": CAPTIVE.asking("id=none"),
    "POST /api/captive/purchase": CAPTIVE,
    **dict.fromkeys(
        (
            "GET /api/batches/{batch_id:int}",
            "GET /api/me",
            "GET /api/packages",
            "POST /api/packages",
            "GET /api/packages/{package_id:int}",
            "PATCH /api/packages/{package_id:int}",
            "POST /api/packages/{package_id:int}/archive",
            "POST /api/packages/{package_id:int}/restore",
            "GET /api/payments",
            "GET /api/payments/{payment_id:int}",
            "GET /api/reports/summary",
            "GET /api/routers",
            "GET /api/routers/{router_id:int}",
            "GET /api/routers/{router_id:int}/vouchers",
            "POST /api/routers/{router_id:int}/vouchers/bulk-sync",
            "GET /api/routers/{router_id:int}/vouchers/export",
            "POST /api/routers/{router_id:int}/vouchers/generate",
            "GET /api/sessions",
            "GET /api/vouchers",
            "GET /api/vouchers/{voucher_id:int}",
            "POST /api/vouchers/{voucher_id:int}/extend",
            "POST /api/vouchers/{voucher_id:int}/revoke",
        ),
        TOKEN,
    ),
    **dict.fromkeys(
        (
            "GET /api/cron/health",
            "GET /api/cron/{job:str}",
            "POST /api/cron/{job:str}",
            "GET /api/cron/{job:str}/runs/{run_id:int}",
            "POST /api/sms/{token:str}/delivery",
            "POST /api/sms/{token:str}/inbound",
            "GET /metrics",
            "GET /my/{token:str}",
            "POST /my/{token:str}/pay",
            "GET /my/{token:str}/statement",
            "GET /r/{token:str}",
            "GET /r/{token:str}/logo.png",
            "POST /pull",
            "POST /setup-script",
        ),
        TOKEN,
    ),
}

_PEOPLE: dict[str, Right] = {
    "GET /": SIGNED_IN,
    "GET /account": SIGNED_IN,
    "GET /more": SIGNED_IN,
    "POST /account/language": SIGNED_IN,
    "POST /sign-out": SIGNED_IN,
    "POST /switch": SIGNED_IN.sending(merchant="{merchant_id}").in_vain(),
    "GET /account/security": SIGNED_IN,
    "POST /account/password": SIGNED_IN,
    "POST /account/email": SIGNED_IN,
    "GET /account/email/confirm": SIGNED_IN,
    "POST /account/email/confirm": SIGNED_IN.in_vain(),
    "GET /account/app": SIGNED_IN,
    "POST /account/app": SIGNED_IN,
    "POST /account/app/remove": SIGNED_IN,
    "POST /account/codes": SIGNED_IN,
    "POST /account/codes/file": SIGNED_IN.in_vain(),
    "POST /account/passkeys/options": SIGNED_IN,
    "POST /account/passkeys": SIGNED_IN,
    "POST /account/passkeys/{passkey_id:int}/remove": SIGNED_IN.in_vain(),
    "POST /account/passkeys/{passkey_id:int}/name": SIGNED_IN.sending(name="Phone").in_vain(),
    "GET /account/sessions": SIGNED_IN,
    "POST /account/sessions/{session_id:int}/end": SIGNED_IN.in_vain(),
    "POST /account/sessions/end-others": SIGNED_IN,
    "GET /prove": SIGNED_IN,
    "POST /prove": SIGNED_IN,
    "POST /prove/options": SIGNED_IN,
    "GET /team": MANAGERS,
    "POST /team/invite": MANAGERS,
    "POST /team/invitations/{link_id:int}/withdraw": MANAGERS,
    "POST /team/{user_id:int}/role": MANAGERS.sending(role="viewer"),
    "POST /team/{user_id:int}/remove": MANAGERS,
    "POST /team/{user_id:int}/hand-over": OWNER,
    "POST /team/second-step": OWNER,
    "GET /history": MANAGERS,
    "GET /history.csv": MANAGERS,
}

_MONEY: dict[str, Right] = {
    "GET /sales": ALL,
    "GET /sales.csv": ALL,
    "GET /payments/{payment_id:int}": ALL,
    "GET /payments/{payment_id:int}/refund": SELLERS,
    "POST /payments/{payment_id:int}/refund": SELLERS,
    "GET /payments/{payment_id:int}/voucher": MANAGERS,
    "POST /payments/{payment_id:int}/voucher": MANAGERS,
    "GET /payments/{payment_id:int}/receipt": ALL,
    "POST /payments/{payment_id:int}/receipt": SELLERS,
    "GET /invoices": ALL,
    "GET /invoices.csv": ALL,
    "POST /invoices": MANAGERS,
    "GET /invoices/{paper_id:int}": ALL,
    "POST /invoices/{paper_id:int}/control": MANAGERS.sending(control="KRA-1"),
    "POST /invoices/{paper_id:int}/send": SELLERS,
    "POST /invoices/bills/{bill_id:int}": SELLERS,
    "GET /settings/taxes": OWNER,
    "POST /settings/taxes": OWNER.sending(
        legal_name="Kilimani Corner Ltd", receipt_prefix="R", invoice_prefix="I", credit_prefix="C"
    ),
    "GET /settings/data": OWNER,
    "POST /settings/data/copies": OWNER,
    "GET /settings/data/copies/{copy_id:int}/shop.zip": OWNER,
    "POST /settings/data/customer": OWNER.sending(phone="0712 345 678"),
    "POST /settings/data/customer/file": OWNER.sending(phone="0712 345 678"),
    "POST /settings/data/customer/erase": OWNER.sending(phone="0712 345 678", again="0712 345 678"),
    "GET /operator/taxes": OPERATOR,
    "POST /operator/taxes": OPERATOR.sending(
        legal_name="Vocha Ltd", receipt_prefix="R", invoice_prefix="I", credit_prefix="C"
    ),
    "GET /payouts/commission": MANAGERS,
    "GET /payouts/commission.csv": MANAGERS,
    "GET /refunds": ALL | OPERATOR,
    "GET /refunds/{refund_id:int}": ALL,
    "POST /refunds/{refund_id:int}/approve": MANAGERS,
    "POST /refunds/{refund_id:int}/drop": MANAGERS,
    "POST /refunds/{refund_id:int}/given": SELLERS,
    "POST /refunds/{refund_id:int}/retry": MANAGERS,
    "POST /refunds/{refund_id:int}/seen": MANAGERS,
    "GET /suspense": ALL | OPERATOR,
    "GET /suspense/{suspense_id:int}": ALL,
    "POST /suspense/{suspense_id:int}": MANAGERS.sending(decision="keep", sure="10"),
    "GET /payouts": MANAGERS,
    "POST /payouts": MANAGERS,
    "POST /payouts/number": OWNER,
    "POST /payouts/number/keep": MANAGERS,
    "POST /payouts/plan": OWNER.sending(minimum="100", threshold="1000"),
    "GET /payouts/statement": MANAGERS,
    "GET /payouts/{payout_id:int}": MANAGERS,
    "POST /payouts/{payout_id:int}/drop": MANAGERS,
    "POST /payouts/{payout_id:int}/retry": MANAGERS,
    "GET /closes": ALL | OPERATOR,
    "GET /closes/{close_id:int}": ALL,
    "POST /closes/{close_id:int}/again": MANAGERS,
    "GET /lists": ALL | OPERATOR,
    "POST /lists": MANAGERS.sending(account="{account_id}"),
    "POST /lists/pull": MANAGERS.sending(account="{account_id}"),
    "GET /lists/{list_id:int}": ALL,
    "POST /lists/{list_id:int}/drop": MANAGERS,
    "POST /lists/{list_id:int}/take": MANAGERS,
    "GET /sell": SELLERS,
    "POST /sell": SELLERS,
    "POST /sell/drawer": SELLERS,
    "GET /sell/{voucher_id:int}": SELLERS,
    "GET /sell/{voucher_id:int}/state": SELLERS,
    "POST /sell/{voucher_id:int}/{what:str}": SELLERS.at(what="show"),
    "GET /agents": MANAGERS,
    "GET /agents/new": MANAGERS,
    "POST /agents": MANAGERS,
    "GET /agents/{agent_id:int}": MANAGERS,
    "GET /agents/{agent_id:int}/edit": MANAGERS,
    "POST /agents/{agent_id:int}/edit": MANAGERS,
    "GET /agents/{agent_id:int}/statement": MANAGERS,
    "GET /agents/{agent_id:int}/statement.csv": MANAGERS,
    "GET /agents/{agent_id:int}/cards/{allotment_id:int}/print": MANAGERS,
    "POST /agents/{agent_id:int}/{what:str}": MANAGERS.at(what="give"),
    # Of an agent who signs in; the people of the shop are led to their list.
    "GET /agent": ALL,
    "GET /agent/statement.csv": ALL,
    "GET /drawers": ALL,
    "POST /drawers": SELLERS,
    "POST /drawers/sell": SELLERS,
    "POST /drawers/{drawer_id:int}/hand-in": SELLERS.sending(counted="0"),
    "GET /ways": OWNER | OPERATOR,
    "POST /ways/{rail:str}": (OWNER | OPERATOR).at(rail="airtel"),
    "POST /ways/{rail:str}/hide": (OWNER | OPERATOR).at(rail="airtel"),
    "POST /ways/{rail:str}/remove": (OWNER | OPERATOR).at(rail="airtel"),
    "POST /ways/{rail:str}/show": (OWNER | OPERATOR).at(rail="airtel"),
    "GET /settings/money": MANAGERS,
    "POST /settings/money": OWNER.sending(limit="500"),
    "GET /operator/fees": OPERATOR,
    "GET /operator/upkeep": OPERATOR,
    "POST /operator/fees": OPERATOR,
}

_SHOP: dict[str, Right | tuple[Right, ...]] = {
    "GET /home": ALL,
    "GET /home/days": ALL,
    "GET /home/figures": ALL,
    "GET /home/routers": ALL,
    "GET /home/sales": ALL,
    "GET /home/making": ALL,
    "GET /search": ALL.asking("q=nothing"),
    "GET /figures": ALL,
    "GET /packages": ALL,
    "POST /packages": MANAGERS,
    "POST /packages/check": MANAGERS,
    "GET /packages/new": MANAGERS,
    "GET /packages/{sold_id:int}": ALL,
    "POST /packages/{sold_id:int}": MANAGERS,
    "POST /packages/{sold_id:int}/archive": MANAGERS,
    "POST /packages/{sold_id:int}/copy": MANAGERS,
    "POST /packages/{sold_id:int}/down": MANAGERS,
    "POST /packages/{sold_id:int}/restore": MANAGERS,
    "POST /packages/{sold_id:int}/up": MANAGERS,
    "GET /promos": ALL,
    "POST /promos": MANAGERS,
    "GET /promos/new": MANAGERS,
    "GET /promos/{promo_id:int}": ALL,
    "POST /promos/{promo_id:int}": MANAGERS,
    "GET /promos/{promo_id:int}/edit": MANAGERS,
    "POST /promos/{promo_id:int}/restart": MANAGERS,
    "POST /promos/{promo_id:int}/stop": MANAGERS,
    "GET /references": ALL,
    "POST /references": MANAGERS.sending(package="{sold_id}", count="1"),
    "GET /references/{batch_id:int}": ALL,
    "POST /references/{batch_id:int}/code": SELLERS.sending(voucher="{slip_id}"),
    "GET /references/{batch_id:int}/file.csv": ALL,
    "GET /references/{batch_id:int}/print": ALL,
    "GET /reports": ALL,
    "GET /reports/now": ALL,
    "GET /reports/sales": ALL,
    "GET /reports/sales.csv": ALL,
    "GET /reports/{report_id:int}": ALL,
    "GET /settings": MANAGERS,
    "GET /settings/time": MANAGERS,
    "POST /settings/time": MANAGERS,
    "GET /settings/shop": MANAGERS,
    "POST /settings/shop": MANAGERS,
    "GET /settings/branding": MANAGERS,
    "POST /settings/branding": MANAGERS,
    "GET /settings/branding/preview": MANAGERS,
    "GET /settings/tokens": MANAGERS,
    "GET /settings/tokens/new": MANAGERS,
    "POST /settings/tokens": MANAGERS.sending(name="Till", scopes="vouchers:read", days="30"),
    "POST /settings/tokens/{token_id:int}/revoke": MANAGERS,
    "GET /settings/webhooks": MANAGERS,
    "POST /settings/webhooks": MANAGERS,
    "GET /settings/webhooks/{webhook_id:int}": MANAGERS,
    "POST /settings/webhooks/{webhook_id:int}": MANAGERS.sending(url="https://till.test/hook", kinds="voucher.paid"),
    "POST /settings/webhooks/{webhook_id:int}/secret": MANAGERS,
    "POST /settings/webhooks/{webhook_id:int}/rotate": MANAGERS,
    "POST /settings/webhooks/{webhook_id:int}/{deed:str}": MANAGERS.at(deed="test"),
    "GET /settings/webhooks/messages/{told_id:int}": MANAGERS,
    "POST /settings/webhooks/messages/{told_id:int}/again": MANAGERS,
    "GET /settings/reminders": MANAGERS,
    "POST /settings/reminders": MANAGERS,
    "GET /settings/reports": MANAGERS,
    "POST /settings/reports": MANAGERS,
    "GET /subscribers": ALL,
    "POST /subscribers": MANAGERS,
    "GET /subscribers/new": MANAGERS,
    "GET /subscribers/packages": ALL,
    "POST /subscribers/packages": MANAGERS,
    "POST /subscribers/packages/{package_id:int}/retire": MANAGERS,
    "GET /subscribers/{subscriber_id:int}": ALL,
    "GET /subscribers/{subscriber_id:int}/statement": ALL,
    "GET /subscribers/{subscriber_id:int}/statement.csv": ALL,
    "POST /subscribers/{subscriber_id:int}/{what:str}": (
        MANAGERS.at(what="suspend").sending(why="has not paid for weeks"),
        SELLERS.at(what="cash").sending(amount="10", form_key="k"),
    ),
    "GET /exports": ALL,
    "GET /exports/batches.csv": ALL,
    "GET /exports/events.csv": MANAGERS,
    "GET /exports/vouchers.csv": ALL,
    "POST /vouchers/batches/{batch_id:int}/codes.csv": MANAGERS,
    "GET /vouchers/batches/{batch_id:int}/vouchers.csv": ALL,
    "GET /imports": MANAGERS,
    "POST /imports": MANAGERS,
    "GET /imports/template.csv": MANAGERS,
    "GET /imports/{import_id:int}": MANAGERS,
    "GET /imports/{import_id:int}/state": MANAGERS,
    "GET /imports/{import_id:int}/skipped.csv": MANAGERS,
    "POST /imports/{import_id:int}/start": MANAGERS,
    "POST /imports/{import_id:int}/drop": MANAGERS,
    "POST /imports/{import_id:int}/undo": MANAGERS,
    "GET /prints": ALL,
    # Only who asked for a PDF sees it: the owner did.
    "GET /prints/logo.png": ALL.in_vain(),
    "GET /prints/{print_id:int}": OWNER.hidden(),
    "GET /prints/{print_id:int}/state": OWNER.hidden(),
    "GET /prints/{print_id:int}/vouchers.pdf": OWNER.hidden(),
    "GET /vouchers/batches/{batch_id:int}/print": ALL,
    "POST /vouchers/batches/{batch_id:int}/print": MANAGERS.sending(layout="a4-40", language="en"),
    "POST /vouchers/batches/{batch_id:int}/print/sheet": MANAGERS.sending(layout="a4-40", language="en"),
    "GET /vouchers/print": ALL.asking("ids={slip_id}"),
    "POST /vouchers/print": SELLERS.sending(ids="{slip_id}", layout="a4-40", language="en"),
    "POST /vouchers/print/sheet": SELLERS.sending(ids="{slip_id}", layout="mm58", language="en"),
    "GET /vouchers": ALL,
    "POST /vouchers": MANAGERS.sending(package="{sold_id}", count="1", kind="cash"),
    "GET /vouchers/new": MANAGERS,
    "GET /vouchers/batches": ALL,
    "GET /vouchers/batches/{batch_id:int}": ALL,
    "GET /vouchers/batches/{batch_id:int}/progress": ALL,
    "POST /vouchers/batches/{batch_id:int}/cancel": MANAGERS,
    "POST /vouchers/batches/{batch_id:int}/take-back": MANAGERS.sending(what="unsold", why="lost"),
    "GET /vouchers/{voucher_id:int}": ALL,
    "GET /vouchers/{voucher_id:int}/asked": ALL,
    "POST /vouchers/{voucher_id:int}/code": SELLERS,
    "POST /vouchers/{voucher_id:int}/cash": SELLERS.sending(form_key="k"),
    "POST /vouchers/{voucher_id:int}/{what:str}": (
        SELLERS.at(what="ask").sending(ask_phone="0712345678", form_key="k"),
        SELLERS.at(what="stack").sending(package="{sold_id}", form_key="k"),
        SELLERS.at(what="send").sending(phone="0712345678", form_key="k"),
        SELLERS.at(what="move").sending(mac="02:00:00:00:00:01"),
        MANAGERS.at(what="add-time").sending(amount="1", unit="hours", time_why="gift"),
        MANAGERS.at(what="revoke").sending(why="because"),
    ),
    "GET /jobs": ALL | OPERATOR,
    "GET /operator": OPERATOR,
    "GET /operator/merchants": OPERATOR,
    "POST /operator/merchants": OPERATOR,
    "GET /operator/merchants/new": OPERATOR,
    "GET /operator/merchants/{merchant_id:int}": OPERATOR,
    "POST /operator/merchants/{merchant_id:int}/terms": OPERATOR,
    "POST /operator/merchants/{merchant_id:int}/pause": OPERATOR,
    "POST /operator/merchants/{merchant_id:int}/resume": OPERATOR,
    "POST /operator/merchants/{merchant_id:int}/notes": OPERATOR,
    "POST /operator/merchants/{merchant_id:int}/visit": OPERATOR,
    "POST /visit/end": SIGNED_IN,
    "GET /operator/health": OPERATOR,
    "GET /operator/payouts": OPERATOR,
    "GET /operator/announcements": OPERATOR,
    "POST /operator/announcements": OPERATOR,
    "POST /operator/announcements/{announcement_id:int}/end": OPERATOR,
    "POST /announcements/{announcement_id:int}/read": ALL,
    **{
        route: OPERATOR.at(name="expire-vouchers", verb="retry")
        for route in (
            "POST /jobs/discard-over",
            "GET /jobs/list",
            "GET /jobs/{name:str}",
            "POST /jobs/{name:str}/pause",
            "POST /jobs/{name:str}/resume",
            "POST /jobs/{name:str}/run",
            "POST /jobs/{name:str}/runs/{run_id:int}/{verb:str}",
            "GET /jobs/{name:str}/standing",
        )
    },
}

_MESSAGES: dict[str, Right] = {
    "GET /messages": ALL,
    "POST /messages/gateways/{channel:str}/remove": OWNER.at(channel="sms"),
    "GET /messages/gateways/{kind:str}": OWNER.at(kind="smtp"),
    "POST /messages/gateways/{kind:str}": OWNER.at(kind="smtp"),
    "GET /messages/settings": MANAGERS,
    "POST /messages/settings": MANAGERS,
    "POST /messages/settings/test/{channel:str}": MANAGERS.at(channel="sms"),
    "POST /messages/stops": MANAGERS,
    "POST /messages/stops/{stop_id:int}/start": MANAGERS,
    "GET /messages/wording": MANAGERS,
    "GET /messages/wording/{kind:str}/{code:str}": MANAGERS.at(kind="time_over", code="en"),
    "POST /messages/wording/{kind:str}/{code:str}": MANAGERS.at(kind="time_over", code="en"),
    "POST /messages/wording/{kind:str}/{code:str}/length": MANAGERS.at(kind="time_over", code="en"),
    "POST /messages/{message_id:int}/again": MANAGERS,
}

_R = "/routers/{router_id:int}"
_ROUTERS: dict[str, Right] = {
    "GET /drift": ALL,
    "GET /drift/list": ALL,
    "POST /drift/look": MANAGERS,
    "POST /drift/repair": MANAGERS,
    "GET /outages": ALL,
    "GET /outages/{outage_id:int}": ALL,
    "POST /outages/{outage_id:int}/credit": MANAGERS,
    "GET /routers": ALL,
    "POST /routers": MANAGERS,
    "GET /routers/list": ALL,
    "GET /routers/new": MANAGERS,
    **{
        f"GET {_R}{page}": ALL
        for page in (
            "",
            "/doctor",
            "/drift",
            "/drift/report",
            "/history",
            "/outages",
            "/people",
            "/settings",
            "/settings/compare",
            "/state",
        )
    },
    f"GET {_R}/settings/compare": ALL.asking("one={one_id}&other={other_id}"),
    f"GET {_R}/drift/remove": MANAGERS.asking("kind=foreign_user&who=cousin"),
    **{f"GET {_R}{page}": MANAGERS for page in ("/connection", "/remove", "/replace", "/setup", "/undo")},
    **{
        f"POST {_R}{deed}": MANAGERS
        for deed in (
            "/check",
            "/clean-up",
            "/connection",
            "/pause",
            "/remove",
            "/replace",
            "/resume",
            "/setup",
        )
    },
    f"POST {_R}/script": MANAGERS.in_vain(),
    **{
        f"POST {_R}/drift/{deed}": MANAGERS.sending(kind="foreign_user", who="cousin")
        for deed in ("doubt", "look", "remove", "repair", "vouch")
    },
}

#: Every route, as "METHOD /path".
RIGHTS: dict[str, Right | tuple[Right, ...]] = {
    **_OUTSIDE,
    **_PEOPLE,
    **_MONEY,
    **_SHOP,
    **_MESSAGES,
    **_ROUTERS,
}


def rows() -> list[tuple[str, Right]]:
    """Every row: the route and one right of it."""
    found: list[tuple[str, Right]] = []
    for route, right in RIGHTS.items():
        found += [(route, right)] if isinstance(right, Right) else [(route, one) for one in right]
    return found
