"""New shops: a form, a mail to prove the address, and the account with its shop; or the operator's invitation instead of the mail.

The account is made when the mailed link is opened and the password typed again. So a form filled in with somebody else's address makes
nothing, whatever its owner clicks on. The answer is the same whether the address has an account or not."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal import i18n, limits, passwords
from portal.config import Settings
from portal.db import DB, Tx, atomic
from portal.errors import Invalid, NotFound, TooMany
from portal.identity import links
from portal.identity.accounts import add_user, join, read_email, read_name
from portal.identity.actors import Browser, How, NewSession, Role, printable
from portal.identity.links import Made, Purpose
from portal.identity.notices import mail
from portal.identity.resets import ASKED_FOR, count_asking
from portal.identity.signing_in import open_known_in
from portal.messages.kinds import Told
from portal.msgid import N_
from portal.phones import PhoneError, parse_phone
from portal.states import note
from portal.vault import Vault

#: What somebody may call the own business. The kinds without commission are the operator's to give, with an invitation.
KINDS = ("personal", "homeowner")
SHOP = N_("Type the name of the shop, at most 80 characters. Customers see it.")
KIND = N_("Choose what it is.")
CLOSED = N_("New shops are opened by invitation here. Ask whoever runs this platform.")
WRONG = N_("This is not the password you chose when you signed up.")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The form as it was typed."""

    shop: str
    kind: str
    phone: str
    name: str
    email: str
    password: str
    language: str


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A wish that makes sense."""

    shop: str
    kind: str
    phone: str
    name: str
    language: str
    password_hash: str = ""


def is_open(settings: Settings) -> bool:
    """Whether anybody may sign up; else only whoever has an invitation."""
    return settings.sign_up == "open"


def _read(wish: Wish, *, kind: str = "") -> tuple[Shop, str]:
    """The shop and the address; Invalid names every field that is wrong at once."""
    wrong: dict[str, str] = {}
    shop = " ".join(printable(wish.shop).split())
    if not 2 <= len(shop) <= 80:
        wrong["shop"] = SHOP
    if not kind and wish.kind not in KINDS:
        wrong["kind"] = KIND
    phone = ""
    try:
        phone = parse_phone(wish.phone)
    except PhoneError as error:
        wrong["phone"] = str(error)
    email = name = ""
    try:
        name = read_name(wish.name)
    except Invalid as error:
        wrong |= error.fields
    try:
        email = read_email(wish.email)
    except Invalid as error:
        wrong |= error.fields
    if not passwords.SHORTEST <= len(wish.password) <= passwords.LONGEST:
        wrong["password"] = passwords.LENGTH
    elif passwords.is_common(wish.password, about=(email, name, shop)):
        wrong["password"] = passwords.COMMON
    if wrong:
        raise Invalid(wrong)
    language = wish.language if wish.language in i18n.NAMES else "en"
    return Shop(shop=shop, kind=kind or wish.kind, phone=phone, name=name, language=language), email


async def ask(wish: Wish, *, address: str, settings: Settings, vault: Vault, now: datetime) -> None:
    """Mail a link to finish by. NotFound unless sign-up is open; Invalid, TooMany."""
    if not is_open(settings):
        raise NotFound(CLOSED)
    shop, email = _read(wish)
    await count_asking(address, now=now)
    hashed = await passwords.hash_password(wish.password, about=(email, shop.name, shop.shop))
    box = hashlib.sha256(email.encode()).hexdigest()[:32]
    if not await limits.hit(f"mails:{box}", limit=ASKED_FOR[0], window_s=ASKED_FOR[1], now=now):
        return
    async with atomic() as tx:
        if await tx.value("SELECT EXISTS (SELECT FROM users WHERE email = $1)", email):
            await mail(
                tx, Told.ACCOUNT_EXISTS, f"{box}:{int(now.timestamp())}", to=email, language=shop.language, now=now
            )
            return
        await links.take_back(tx, Purpose.SIGN_UP, email=email, now=now)
        data = msgspec.to_builtins(msgspec.structs.replace(shop, password_hash=hashed))
        made = await links.make(tx, Purpose.SIGN_UP, email=email, data=data, vault=vault, now=now)
        await mail(
            tx, Told.ACCOUNT_CONFIRM, made.id, to=email, language=shop.language, now=now,
            link=(made.id, f"{settings.base_url}/confirm"), life=links.LIFE[Purpose.SIGN_UP],
        )  # fmt: skip


async def confirm(token: str, password: str, *, browser: Browser, settings: Settings, now: datetime) -> NewSession:
    """Finish: with the link from the mail and the password of the form. LinkOver, Invalid, TooMany; Conflict: has an account."""
    row = await links.find(token, Purpose.SIGN_UP, now=now)
    if not await limits.hit(f"confirm:{row['id']}", limit=10, window_s=3600, now=now):
        raise TooMany(retry_after=3600)
    shop = msgspec.convert(links.data_of(row), Shop)
    if not await passwords.is_right(shop.password_hash, password):
        raise Invalid({"password": WRONG})
    async with atomic() as tx:
        row = await links.use(tx, token, Purpose.SIGN_UP, now=now)
        return await _open(tx, shop, row["email"], how=How.LINK, browser=browser, settings=settings, now=now)


async def _open(
    tx: Tx, shop: Shop, email: str, *, how: How, browser: Browser, settings: Settings, now: datetime
) -> NewSession:
    user_id = await add_user(
        tx, email, shop.name, password_hash=shop.password_hash, now=now, language=shop.language, is_confirmed=True
    )
    merchant_id: int = await tx.value(
        "INSERT INTO merchants (name, kind, help_phone, language, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        shop.shop, shop.kind, shop.phone, shop.language, now,
    )  # fmt: skip
    await join(tx, user_id, merchant_id, role=Role.OWNER)
    await note(
        tx, "merchants", merchant_id, "signed_up", merchant_id=merchant_id, at=now, actor=f"user:{user_id}",
        data={"kind": shop.kind},
    )  # fmt: skip
    return await open_known_in(
        tx, user_id, browser=browser, how=how, settings=settings, now=now, merchant_id=merchant_id
    )


# -- by invitation -----------------------------------------------------------------------------------------------


async def invite(typed: str, *, kind: str, made_by: int | None, settings: Settings, vault: Vault, now: datetime) -> str:
    """The operator's invitation to open a shop of this kind, good once within 7 days; mailed, and returned to be passed on.

    Invalid; NotFound when sign-up is closed."""
    if settings.sign_up == "closed":
        raise NotFound(CLOSED)
    email = read_email(typed)
    async with atomic() as tx:
        await links.take_back(tx, Purpose.SHOP, email=email, now=now)
        made: Made = await links.make(
            tx, Purpose.SHOP, email=email, data={"kind": kind}, made_by=made_by, vault=vault, now=now
        )
        await mail(
            tx,
            Told.ACCOUNT_SHOP,
            made.id,
            to=email,
            language="en",
            now=now,
            link=(made.id, f"{settings.base_url}/sign-up"),
        )
        who = f"user:{made_by}" if made_by else "command"
        await note(
            tx, "identity_links", made.id, "shop_invited", merchant_id=None, at=now, actor=who, data={"kind": kind}
        )
    return f"{settings.base_url}/sign-up?t={made.token}"


async def admitted(token: str, *, settings: Settings, now: datetime) -> Mapping[str, str]:
    """What is known of who may fill the form in: nothing where sign-up is open and no invitation is named. NotFound, LinkOver."""
    if not token and is_open(settings):
        return {}
    if not token or settings.sign_up == "closed":
        raise NotFound(CLOSED)
    return await invited(token, now=now)


async def invited(token: str, *, now: datetime) -> Mapping[str, str]:
    """Whom the invitation is for: `email`, `kind`. LinkOver."""
    row = await links.find(token, Purpose.SHOP, now=now)
    return {"email": row["email"], "kind": links.data_of(row).get("kind", "personal")}


async def accept(token: str, wish: Wish, *, browser: Browser, settings: Settings, now: datetime) -> NewSession:
    """Open the shop at once: the link came by the address's own mailbox. LinkOver, Invalid; Conflict: has an account."""
    known = await invited(token, now=now)
    shop, email = _read(msgspec.structs.replace(wish, email=known["email"]), kind=known["kind"])
    hashed = await passwords.hash_password(wish.password, about=(email, shop.name, shop.shop))
    async with atomic() as tx:
        await links.use(tx, token, Purpose.SHOP, now=now)
        whole = msgspec.structs.replace(shop, password_hash=hashed)
        return await _open(tx, whole, email, how=How.LINK, browser=browser, settings=settings, now=now)


async def has_any_account() -> bool:
    """Whether there is any account at all: a new house has none."""
    return await DB.value("SELECT EXISTS (SELECT FROM users)")
