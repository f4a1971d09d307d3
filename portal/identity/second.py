"""The second step: a code of an authenticator app (RFC 6238), taken once each, or a recovery code when the app is lost.

A person with an app or a passkey is asked for it after the password. Passkeys themselves: `portal.identity.passkeys`."""

import hmac
import re
import secrets
from datetime import datetime

import msgspec

from portal import codes, limits
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Invalid, TooMany
from portal.identity.actors import Actor, named
from portal.identity.notices import notice
from portal.messages.kinds import Told
from portal.msgid import N_
from portal.states import note
from portal.vault import Vault

#: Recovery codes made at a time, and the length of each: 50 bits.
CODES, CODE_LENGTH = 10, 10
#: Codes tried for one person from one address or browser, and by anybody.
TRIES = (5, 300)
TRIES_IN_ALL = (15, 900)
_STEP_S = 30
#: A clock may be half a minute off in either direction.
_WINDOW = (0, -1, 1)
WRONG = N_("This code is wrong or was used already. Wait for the next one in the app, or use a recovery code.")
WRONG_FIRST = N_("This is not the code the app shows now. Check the time of the phone and try the next one.")
TOO_MANY = N_("Too many tries. Wait five minutes and try again.")
IS_ON = N_("The authenticator app is set up already.")
NOT_BEGUN = N_("Begin again: the secret of the app was not kept.")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has beside the password."""

    totp_at: datetime | None
    passkeys: int
    codes_left: int

    @property
    def is_on(self) -> bool:
        """Whether a second step is asked for."""
        return self.totp_at is not None or self.passkeys > 0


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A secret for the app: to be typed, and as an address for its camera (Key URI format of Google Authenticator)."""

    secret: str
    uri: str


async def standing(user_id: int) -> Standing:
    """How it is now."""
    row = await DB.row(
        """SELECT totp_at, (SELECT count(*) FROM passkeys WHERE user_id = u.id) AS passkeys,
                  (SELECT count(*) FROM recovery_codes WHERE user_id = u.id AND used_at IS NULL) AS codes_left
           FROM users u WHERE id = $1""",
        user_id,
    )
    assert row is not None
    return Standing(**dict(row))


async def begin_app(actor: Actor, *, vault: Vault) -> Draft:
    """A secret for the app, kept until its first code is typed; the same one while that is awaited. Conflict: it is set up."""
    async with atomic() as tx:
        row = await tx.row("SELECT totp_sealed, totp_at FROM users WHERE id = $1 FOR UPDATE", actor.user_id)
        assert row is not None
        if row["totp_at"] is not None:
            raise Conflict(IS_ON)
        if row["totp_sealed"] is not None:
            return _draft(actor, _opened(row["totp_sealed"], actor.user_id, vault))
        secret = _new_secret()
        sealed = vault.seal("users", "totp_sealed", row_id=actor.user_id, plaintext=secret)
        await tx.execute("UPDATE users SET totp_sealed = $2 WHERE id = $1", actor.user_id, sealed)
    return _draft(actor, secret)


def _new_secret() -> str:
    import pyotp  # noqa: PLC0415  (loaded with the first use: memory)

    return pyotp.random_base32()  # 160 bits, as RFC 4226 recommends


def _draft(actor: Actor, secret: str) -> Draft:
    from pyotp.totp import TOTP  # noqa: PLC0415  (loaded with the first use: memory)

    uri = TOTP(secret).provisioning_uri(name=actor.email, issuer_name="Vocha")
    return Draft(secret=" ".join(re.findall("....", secret)), uri=uri)


def _opened(sealed: bytes, user_id: int, vault: Vault) -> str:
    return vault.open("users", "totp_sealed", row_id=user_id, sealed=sealed)


def step_of(secret: str, typed: str, *, now: datetime) -> int | None:
    """Which half minute this is the code of, this one or a neighbour; None for none. All are compared: time tells nothing."""
    from pyotp.totp import TOTP  # noqa: PLC0415  (loaded with the first use: memory)

    totp, present = TOTP(secret), int(now.timestamp()) // _STEP_S
    digits = re.sub(r"\D", "", typed)[:12]
    right = [present + off for off in _WINDOW if hmac.compare_digest(totp.generate_otp(present + off), digits)]
    return right[0] if right else None


async def confirm_app(actor: Actor, typed: str, *, vault: Vault, now: datetime) -> list[str]:
    """The app's first code: from now on it is asked for. Returns new recovery codes, shown this once; [] when there are some left.

    Invalid: not the app's code; TooMany; Conflict: set up already, or not begun."""
    await count_try(actor.user_id, "set-up", now=now)
    async with atomic() as tx:
        row = await tx.row("SELECT totp_sealed, totp_at FROM users WHERE id = $1 FOR UPDATE", actor.user_id)
        assert row is not None
        if row["totp_at"] is not None or row["totp_sealed"] is None:
            raise Conflict(IS_ON if row["totp_at"] else NOT_BEGUN)
        step = step_of(_opened(row["totp_sealed"], actor.user_id, vault), typed, now=now)
        if step is None:
            raise Invalid({"code": WRONG_FIRST})
        await tx.execute("UPDATE users SET totp_at = $2, totp_step = $3 WHERE id = $1", actor.user_id, now, step)
        await tell(tx, actor, "app_added", N_("an authenticator app was added"), now=now)
        left = await tx.value(
            "SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL", actor.user_id
        )
        return [] if left else await new_codes_in(tx, actor, vault=vault, now=now)


async def remove_app(actor: Actor, *, now: datetime) -> None:
    """Ask for it no more. Repeatable."""
    async with atomic() as tx:
        gone = await tx.value(
            """UPDATE users SET totp_at = NULL, totp_sealed = NULL WHERE id = $1 AND totp_sealed IS NOT NULL RETURNING id""",
            actor.user_id,
        )
        if gone is not None:
            await tell(tx, actor, "app_removed", N_("the authenticator app was removed"), now=now)


async def new_codes(actor: Actor, *, vault: Vault, now: datetime) -> list[str]:
    """Ten new recovery codes, shown this once; those from before are worth nothing any more."""
    async with atomic() as tx:
        return await new_codes_in(tx, actor, vault=vault, now=now)


async def new_codes_in(tx: Tx, actor: Actor, *, vault: Vault, now: datetime) -> list[str]:
    """The step of `new_codes`."""
    made = ["".join(secrets.choice(codes.ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
    await tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", actor.user_id)
    await tx.execute(
        "INSERT INTO recovery_codes (user_id, code_hash, created_at) SELECT $1, unnest($2::bytea[]), $3",
        actor.user_id, [vault.code_hash(code) for code in made], now,
    )  # fmt: skip
    await note(tx, "users", actor.user_id, "codes_made", merchant_id=actor.merchant_id, at=now, actor=named(actor))
    return [print_code(code) for code in made]


def print_code(code: str) -> str:
    """ "K7QM2-XWP4R"."""
    return f"{code[:5]}-{code[5:]}"


async def are_codes_of(actor: Actor, shown: list[str], *, vault: Vault) -> bool:
    """Whether these are all codes of the actor's that still work: what may be given out as a file."""
    hashes = [vault.code_hash(_folded(code)) for code in shown]
    found = await DB.value(
        "SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL AND code_hash = ANY($2::bytea[])",
        actor.user_id, hashes,
    )  # fmt: skip
    return bool(shown) and found == len(set(hashes)) == len(shown)


def _folded(typed: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", typed.upper())[:CODE_LENGTH]


async def take(tx: Tx, user_id: int, typed: str, *, vault: Vault, now: datetime) -> str | None:
    """Take what somebody typed: "totp" or "recovery"; None when it is neither. A code of the app is taken once, and so is a recovery
    code."""
    row = await tx.row("SELECT totp_sealed, totp_at FROM users WHERE id = $1", user_id)
    if row is not None and row["totp_at"] is not None and len(re.sub(r"[\s-]", "", typed)) == 6:
        step = step_of(_opened(row["totp_sealed"], user_id, vault), typed, now=now)
        taken = step is not None and await tx.value(
            "UPDATE users SET totp_step = $2 WHERE id = $1 AND totp_step < $2 RETURNING id", user_id, step
        )
        return "totp" if taken else None
    if len(code := _folded(typed)) != CODE_LENGTH:
        return None
    used = await tx.value(
        """UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND used_at IS NULL AND code_hash = ANY($2::bytea[])
           RETURNING id""",
        user_id, vault.code_hashes(code), now,
    )  # fmt: skip
    return "recovery" if used is not None else None


async def count_try(user_id: int, source: str, *, now: datetime, is_known: bool = False) -> None:
    """Count one try; TooMany. `source` is the address or the known browser it comes from. Others' tries stop a known browser never."""
    most, window_s = TRIES
    if not await limits.hit(f"second:{user_id}:{source}"[:120], limit=most, window_s=window_s, now=now):
        raise TooMany(TOO_MANY, retry_after=window_s)
    most, window_s = TRIES_IN_ALL
    if is_known or await limits.hit(f"second:{user_id}", limit=most, window_s=window_s, now=now):
        return
    raise TooMany(TOO_MANY, retry_after=window_s)


async def tell(tx: Tx, actor: Actor, name: str, what: str, *, now: datetime) -> None:
    """Note a change of how somebody signs in, and mail it to them. `what` is a catalogue text."""
    await note(tx, "users", actor.user_id, name, merchant_id=actor.merchant_id, at=now, actor=named(actor))
    await notice(tx, Told.ACCOUNT_CHANGED, actor.user_id, now=now, what=what)


def picture(uri: str) -> str:
    """The address for the app as a QR code: the path of its dark squares, one unit each, within a quiet zone of four."""
    import segno  # noqa: PLC0415  (loaded with the first use: memory)

    rows = list(segno.make(uri, error="m", micro=False).matrix_iter(border=0))
    parts = [f"M{x + 4} {y + 4}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark]
    return f"{len(rows) + 8} {''.join(parts)}"
