"""Trying an account at another rail: whether the provider takes its keys and can reach us. Asks about a payment that never was."""

from enum import StrEnum

import msgspec

from portal import codes
from portal.msgid import N_
from portal.rails.accounts import RailAccountView
from portal.rails.doors import RailDoors
from portal.rails.errors import RailBusy, RailConfig
from portal.rails.interface import Attempt

FINE = N_("The provider takes the keys.")
SILENT = N_("The provider did not answer. Try again in some minutes.")
UNSIGNED = N_(
    "There is no key for signed callbacks: each one has the provider asked. Enter it, if Airtel gives you one."
)
UNREACHABLE = N_("The provider tells outcomes to https addresses only. Give the portal a public https address.")
HIDDEN = N_("Customers do not see this way: it is hidden.")


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


class Remark(msgspec.Struct, frozen=True):
    """One thing found about an account; `sentence` of the catalogue."""

    verdict: Verdict
    sentence: str


async def examine(account: RailAccountView, doors: RailDoors, *, callback_base: str) -> list[Remark]:
    """Everything there is to say about one account; the keys first."""
    found = [await _keys(account, doors)]
    if account.environment == "production" and not callback_base.startswith("https://"):
        found.append(Remark(Verdict.BAD, UNREACHABLE))
    if account.rail == "airtel" and not account.has_signing_key:
        found.append(Remark(Verdict.NOTE, UNSIGNED))
    if not account.is_offered:
        found.append(Remark(Verdict.NOTE, HIDDEN))
    return found


async def _keys(account: RailAccountView, doors: RailDoors) -> Remark:
    nobodys = Attempt(reference=f"CHECK{codes.hex_token(8).upper()}", amount_cents=100, currency="KES")
    try:
        rail = await doors.for_account(account.id)
        await rail.query(nobodys)
    except RailConfig as error:
        return Remark(Verdict.BAD, error.message)
    except RailBusy:
        return Remark(Verdict.NOTE, SILENT)
    return Remark(Verdict.OK, FINE)
