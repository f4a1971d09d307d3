"""Looking at an M-Pesa account's set-up: what is wrong, and what to do. Asks M-Pesa, but moves no money and starts nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from portal.errors import MpesaBusy, MpesaConfig, MpesaError
from portal.mpesa.accounts import AccountView
from portal.mpesa.callback_urls import Fault, faults_of
from portal.mpesa.client import Daraja
from portal.mpesa.doors import MpesaDoors
from portal.mpesa.result_codes import Meaning
from portal.mpesa.security import certificate_of
from portal.msgid import N_

#: M-Pesa is said to let an API user's password end after this long.
PASSWORD_LASTS = timedelta(days=90)
WARN_BEFORE = timedelta(days=14)
#: Of the form of a real id, and nobody's.
_NOBODYS_REQUEST = "ws_CO_010120200000000000000000000"

FAULTS: Mapping[Fault, str] = {
    Fault.FORM: N_("Not an address M-Pesa can use: %(part)s. Use small letters, digits, dots and dashes only."),
    Fault.UPPER_CASE: N_("Capital letters in the address: %(part)s. Write it in small letters."),
    Fault.NOT_HTTPS: N_("M-Pesa calls only https addresses. Set PORTAL_MPESA_CALLBACK_BASE to one with a certificate."),
    Fault.NOT_PUBLIC: N_("M-Pesa cannot reach %(part)s from the internet. Use a public name or address."),
    Fault.BANNED_WORD: N_("M-Pesa refuses addresses with “%(part)s” in them. Use another name."),
    Fault.PUBLIC_TESTER: N_("M-Pesa blocks addresses of %(part)s. Use one of your own."),
}


class Severity(StrEnum):
    OK = "ok"
    WARN = "warn"  # something will not work, or will stop working
    BAD = "bad"  # nothing can be sold by M-Pesa


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogue sentence with its parameters."""

    severity: Severity
    sentence: str
    params: Mapping[str, object] = {}


async def examine(account: AccountView, doors: MpesaDoors, *, environment: str, now: datetime) -> list[Finding]:
    """Everything there is to say about one account; `environment` is this server's. M-Pesa is asked twice at most."""
    found: list[Finding] = []
    try:
        daraja = await doors.for_account(account.id)
    except MpesaConfig as error:
        found.append(_bad(error))
    else:
        found += await _keys(daraja)
    found += _addresses(doors, environment)
    found += _initiator(account, now=now)
    found += _registrations(account)
    return found


async def _keys(daraja: Daraja) -> list[Finding]:
    try:
        await daraja.ensure_token()
    except MpesaBusy as error:
        return [_later(error)]
    except MpesaError as error:
        return [_bad(error)]
    found = [Finding(severity=Severity.OK, sentence=N_("The consumer key and secret are right."))]
    try:
        answer = await daraja.query(_NOBODYS_REQUEST)
    except MpesaBusy as error:
        return [*found, _later(error)]
    except MpesaError as error:
        return [*found, _bad(error)]
    if answer.meaning is Meaning.UNKNOWN:  # it looked, and found no such request: so it knows us
        return [*found, Finding(severity=Severity.OK, sentence=N_("The shortcode and passkey are right."))]
    unsure = N_("M-Pesa did not say whether shortcode and passkey are right. Sell something small to be sure.")
    return [*found, Finding(severity=Severity.WARN, sentence=unsure)]


def _addresses(doors: MpesaDoors, environment: str) -> list[Finding]:
    wrong = faults_of(doors.callback_url("0" * 64), environment=environment)
    if not wrong:
        return [Finding(severity=Severity.OK, sentence=N_("The addresses given to M-Pesa follow its rules."))]
    return [Finding(severity=Severity.BAD, sentence=FAULTS[fault], params={"part": part}) for fault, part in wrong]


def _initiator(account: AccountView, *, now: datetime) -> list[Finding]:
    if not account.initiator_name:
        lacking = N_(
            "No API user: refunds, payouts, balance and receipts cannot be asked for. Enter one: vocha mpesa initiator."
        )
        return [Finding(severity=Severity.WARN, sentence=lacking)]
    try:
        ends = certificate_of(account.certificate or "").not_valid_after_utc
    except MpesaConfig as error:
        return [Finding(severity=Severity.WARN, sentence=error.message)]
    found: list[Finding] = []
    day = {"day": ends.strftime("%Y-%m-%d")}
    if now >= ends:
        late = N_(
            "Safaricom's certificate ended on %(day)s. Download the new one from the developer portal and enter it."
        )
        found.append(Finding(severity=Severity.WARN, sentence=late, params=day))
    elif now >= ends - WARN_BEFORE:
        soon = N_(
            "Safaricom's certificate ends on %(day)s. Download the new one from the developer portal and enter it."
        )
        found.append(Finding(severity=Severity.WARN, sentence=soon, params=day))
    else:
        found.append(
            Finding(severity=Severity.OK, sentence=N_("Safaricom's certificate is good until %(day)s."), params=day)
        )
    if account.initiator_set_at is not None and now >= account.initiator_set_at + PASSWORD_LASTS - WARN_BEFORE:
        old = N_(
            "The API user's password is about 90 days old, when M-Pesa lets it end. Set a new one there and enter it here."
        )
        found.append(Finding(severity=Severity.WARN, sentence=old))
    return found


def _registrations(account: AccountView) -> list[Finding]:
    found: list[Finding] = []
    if account.c2b_registered_at is None:
        unheard = N_("Payments by hand are not announced to us. Run: vocha mpesa register-urls.")
        found.append(Finding(severity=Severity.WARN, sentence=unheard))
    if account.pull_registered_at is None:
        unlisted = N_("Lost payments cannot be listed. Run: vocha mpesa register-urls --pull-number 07…")
        found.append(Finding(severity=Severity.WARN, sentence=unlisted))
    if account.trouble_at is not None and account.trouble_text:
        found.append(Finding(severity=Severity.WARN, sentence=account.trouble_text))
    return found


def _bad(error: MpesaError) -> Finding:
    return Finding(severity=Severity.BAD, sentence=error.message)


def _later(error: MpesaBusy) -> Finding:
    return Finding(severity=Severity.WARN, sentence=error.message)
