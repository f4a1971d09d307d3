"""`vocha mpesa …`: setting an M-Pesa account up and looking after it."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from jobs.doors import Doors
from portal import database, enquiries, house
from portal.callbacks import addresses
from portal.cli_run import run
from portal.clock import Clock
from portal.config import Settings
from portal.db import atomic
from portal.money import format_amount
from portal.mpesa import accounts, sentences
from portal.mpesa.accounts import AccountView
from portal.mpesa.c2b import RESPONSE_TYPES, VERSIONS
from portal.mpesa.callback_urls import faults_of
from portal.mpesa.checks import FAULTS, Severity, examine
from portal.mpesa.initiator_codes import Verb, Verdict
from portal.mpesa.result_facts import Party
from portal.phones import mask_for_log, parse_phone

_ACTOR = "command"
_LOOK_EVERY_S = 0.5
_account = click.option("--account", default="", metavar="SHORTCODE", help="Which account, when there are several.")
_wait = click.option("--wait", "wait_s", type=click.FloatRange(0, 600), default=60, show_default=True, help="Seconds.")


@click.group()
def mpesa() -> None:
    """Set an M-Pesa account up, and look after it."""


@asynccontextmanager
async def _opened(settings: Settings, named: str) -> AsyncGenerator[tuple[AccountView, Doors]]:
    async with database.opened(settings, pool_size=2), house.doors_open(settings, Clock()) as doors:
        yield await accounts.find(named), doors


@mpesa.command()
@_account
def check(account: str) -> None:
    """Look at keys, token, shortcode, certificate and addresses: what is wrong, and what to do."""

    async def go(settings: Settings) -> None:
        async with _opened(settings, account) as (found, doors):
            click.echo(f"{found.shortcode} ({found.environment})")
            findings = await examine(found, doors.mpesa, environment=settings.mpesa_environment, now=doors.clock.now())
        for finding in findings:
            click.echo(f"[{finding.severity.upper():<4}] {finding.sentence % dict(finding.params)}")
        if any(finding.severity is Severity.BAD for finding in findings):
            sys.exit(1)

    run(go)


@mpesa.command()
@_account
@click.option("--name", required=True, help="Its user name on the M-Pesa portal.")
@click.option(
    "--password", prompt=True, hide_input=True, help="Asked for when left out, which keeps it off the screen."
)
@click.option(
    "--certificate", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Safaricom's certificate of the account's environment, a .cer or .pem file.",
)  # fmt: skip
@click.option("--b2c-shortcode", default=None, help="Pays out, when that is another shortcode.")
def initiator(account: str, *, name: str, password: str, certificate: Path, b2c_shortcode: str | None) -> None:
    """Enter the API user that signs refunds, payouts and questions."""
    pem = certificate.read_text(errors="replace")
    if set(password) & set("@.()"):
        click.echo(
            "M-Pesa has trouble with @ . ( ) in this password. Set another one there if it is refused.", err=True
        )

    async def go(settings: Settings) -> None:
        async with _opened(settings, account) as (found, doors):
            now = doors.clock.now()
            await accounts.set_initiator(
                found.id, name=name, password=password, certificate=pem,
                vault=doors.vault, now=now, actor=_ACTOR,
            )  # fmt: skip
            if b2c_shortcode is not None:
                await accounts.set_payouts(found.id, b2c_shortcode=b2c_shortcode, now=now, actor=_ACTOR)
        click.echo(f"{found.shortcode}: the API user is entered. Try it: vocha mpesa balance")

    run(go)


@mpesa.command("register-urls")
@_account
@click.option("--version", type=click.Choice(VERSIONS), default=None, help="Of C2B; which one the app's product has.")
@click.option(
    "--response-type", type=click.Choice(RESPONSE_TYPES), default="Completed", show_default=True,
    help="What becomes of a payment we do not answer for in time.",
)  # fmt: skip
@click.option("--pull-number", default=None, help="Register Pull too: the phone number of the shortcode's papers.")
def register_urls(account: str, *, version: str | None, response_type: str, pull_number: str | None) -> None:
    """Tell M-Pesa where payments by hand are announced. Production takes this once."""
    pull_phone = None
    if pull_number is not None:
        try:
            pull_phone = parse_phone(pull_number)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--pull-number") from error

    async def go(settings: Settings) -> None:
        async with _opened(settings, account) as (found, doors):
            now = doors.clock.now()
            if version is not None:
                await accounts.choose_c2b(found.id, version=version, now=now, actor=_ACTOR)
            async with atomic() as tx:
                name = await addresses.of_account(tx, found.id, now=now)
            confirmation = doors.mpesa.address(addresses.path(name, addresses.CONFIRMATION))
            validation = doors.mpesa.address(addresses.path(name, addresses.VALIDATION))
            _refuse_bad(confirmation, settings.mpesa_environment)
            daraja = await doors.mpesa.for_account(found.id)
            if pull_phone is not None:
                await daraja.register_pull(number=pull_phone, callback_url=confirmation)
                await accounts.note_pull_registered(found.id, number=pull_phone, now=now, actor=_ACTOR)
                click.echo(f"{found.shortcode}: Pull is registered.")
            await daraja.register_urls(
                confirmation_url=confirmation, validation_url=validation, response_type=response_type
            )
            await accounts.note_registered(found.id, response_type=response_type, now=now, actor=_ACTOR)
        click.echo(f"{found.shortcode}: payments by hand are announced to {settings.mpesa_callback_base} now.")

    run(go)


def _refuse_bad(url: str, environment: str) -> None:
    wrong = [FAULTS[fault] % {"part": part} for fault, part in faults_of(url, environment=environment)]
    if wrong:
        raise click.ClickException(" ".join(wrong))


@mpesa.command()
@_account
@_wait
def balance(account: str, *, wait_s: float) -> None:
    """Ask how much is on the shortcode's accounts. The web server must be running: the answer comes to it."""

    async def go(settings: Settings) -> None:
        async with _opened(settings, account) as (found, doors):
            answer = await _ask(doors, found.id, "balance", about="", wait_s=wait_s)
        for row in answer.balances:
            now, free = (format_amount(cents, row.currency) for cents in (row.current_cents, row.available_cents))
            click.echo(f"{row.account:<34}{now:>18}{'' if now == free else f'  ({free} available)'}")

    run(go)


@mpesa.command()
@click.argument("receipt")
@_account
@_wait
def status(receipt: str, account: str, *, wait_s: float) -> None:
    """Ask what became of the transaction RECEIPT. The web server must be running: the answer comes to it."""

    async def go(settings: Settings) -> None:
        async with _opened(settings, account) as (found, doors):
            answer = await _ask(doors, found.id, "status", about=receipt.strip().upper(), wait_s=wait_s)
        told = answer.transaction
        if told is None:
            raise click.ClickException("M-Pesa told nothing about it.")
        click.echo(f"{told.receipt or receipt}: {told.status or 'no status'}")
        click.echo(f"amount  {'not told' if told.amount_cents is None else format_amount(told.amount_cents)}")
        click.echo(f"from    {_sides(told.debit)}")
        click.echo(f"to      {_sides(told.credit)}")
        if told.finalised_at is not None:
            click.echo(f"when    {told.finalised_at:%Y-%m-%d %H:%M:%S} UTC")

    run(go)


async def _ask(doors: Doors, account_id: int, kind: str, *, about: str, wait_s: float) -> enquiries.Answer:
    """Ask, and wait for the answer to come to the web server; ClickException, with the next step, when there is none."""
    now = doors.clock.now()
    async with atomic() as tx:
        enquiry_id = await enquiries.queue(tx, kind, account_id=account_id, about=about, by=_ACTOR, now=now)
    await enquiries.ask(enquiry_id, doors.mpesa, now=doors.clock.now())
    answer = await enquiries.answer_of(enquiry_id)
    for _ in range(round(wait_s / _LOOK_EVERY_S)):
        if answer.verdict is not None or answer.error:
            break
        await asyncio.sleep(_LOOK_EVERY_S)
        answer = await enquiries.answer_of(enquiry_id)
    if answer.verdict is None and answer.error:
        raise click.ClickException(answer.error)
    if answer.verdict is None:
        raise click.ClickException(
            "M-Pesa has not answered yet. Is the server running, and reachable from the internet? The question stays open."
        )
    if answer.verdict is not Verdict.DONE:
        words = sentences.of_result(Verb(kind), answer.result_code)
        raise click.ClickException(f"{words} ({answer.result_code} {answer.result_text})")
    return answer


def _sides(parties: tuple[Party, ...]) -> str:
    """Numbers of people are masked."""
    return ", ".join(
        " ".join(filter(None, (mask_for_log(p.number) if len(p.number) >= 9 else p.number, p.name))) for p in parties
    )
