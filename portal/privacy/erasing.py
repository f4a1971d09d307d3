"""Erasing a customer: number, names, addresses of devices and raw messages go from the merchant's rows; sums, receipt numbers and the
history stay. The history and the log of exchanges are sealed and never change; numbers never stood in them in full."""

import re
from datetime import datetime
from typing import Any

import msgspec
from piccolo.columns import JSONB, Bytea, Text, Varchar

from portal.db import Tx, atomic
from portal.errors import Conflict, Invalid
from portal.identity import Actor
from portal.msgid import N_
from portal.privacy.contents import BY_TABLE
from portal.privacy.copies import owner
from portal.privacy.customers import Person, counts, hindrances, parsed, person_of
from portal.states import note
from portal.vault import Vault

OTHER_NUMBER = N_("This is not the number above. Type it once more.")
NOTHING = N_("Nothing is kept of this number.")
OPEN = N_("Something is still open. Settle it first.")
#: Written over what is gone; a sentence people see in the list of messages.
GONE = N_("This message was erased.")
#: Never changed after they are written: guarded by triggers, or sealed. No number stands in them in full.
FIXED = frozenset(
    {"events", "exchanges", "event_seals", "event_places", "ledger_entries", "ledger_postings", "daily_closes", "erasures", "papers"}
)  # fmt: skip
_OF_VOUCHERS = "SELECT id FROM access_grants WHERE voucher_id = ANY($6::bigint[])"
#: $1 to $8 as `customers.Person.args`; $9 is the pseudonym, $10 the number's SHA-256, $11 the sentence that stands for a message.
_STEPS: tuple[str, ...] = (
    # Daraja ends its names for pushes with the payer's number: "ws_CO_20112026141500712345678".
    """UPDATE payments SET phone = '', email = '', pay_url = NULL, result_text = NULL,
         checkout_request_id = replace(checkout_request_id, substr($2, 4), '-' || id) WHERE id = ANY($3::bigint[])""",
    "UPDATE receipts SET phone = NULL, payer_hint = '', payer_name = '' WHERE id = ANY($4::bigint[])",
    """UPDATE c2b_questions SET payer_hint = '' WHERE lower(payer_hint) = $10 AND merchant_id = $1
       OR receipt IN (SELECT receipt FROM receipts WHERE id = ANY($4::bigint[]))""",
    """UPDATE comparison_lines SET phone = NULL, payer_hint = '', payer_name = '', details = '' WHERE receipt_id = ANY($4::bigint[])
       OR ((phone = $2 OR lower(payer_hint) = $10) AND comparison_id IN (SELECT id FROM comparisons WHERE merchant_id = $1))""",
    """UPDATE callbacks c SET body = '{}' WHERE handled_at IS NOT NULL AND (payment_id = ANY($3::bigint[])
         OR ((merchant_id = $1 OR merchant_id IS NULL) AND EXISTS (SELECT FROM receipts r WHERE r.id = ANY($4::bigint[])
             AND position(convert_to(r.receipt, 'UTF8') IN c.body) > 0))
         OR (merchant_id = $1 AND position(convert_to($2, 'UTF8') IN body) > 0))""",
    "UPDATE checkouts SET phone = '', mac = '', ip = '', wants_offers = false WHERE id = ANY($5::bigint[])",
    "UPDATE redemptions SET phone = $9, mac = '' WHERE merchant_id = $1 AND (phone = $2 OR checkout_id = ANY($5::bigint[]))",
    f"UPDATE hotspot_sessions SET mac = '', ip = '' WHERE grant_id IN ({_OF_VOUCHERS})",
    "UPDATE access_grants SET mac = '', ip = '' WHERE voucher_id = ANY($6::bigint[])",
    # A device goes with the last voucher it held, or when it held only this customer's.
    """WITH held AS (DELETE FROM device_vouchers WHERE voucher_id = ANY($6::bigint[]) RETURNING device_id), lone AS (
         SELECT d.id FROM devices d WHERE d.id IN (SELECT device_id FROM held) AND NOT EXISTS (
           SELECT FROM device_vouchers o WHERE o.device_id = d.id AND o.voucher_id <> ALL($6::bigint[])))
       UPDATE devices SET mac = 'gone-' || id WHERE id IN (SELECT id FROM lone) OR same_as_id IN (SELECT id FROM lone)""",
    "DELETE FROM device_sightings WHERE merchant_id = $1 AND device_id IN (SELECT id FROM devices WHERE mac = 'gone-' || id)",
    """UPDATE messages SET recipient = $9, body = $11, params = '{}', subject = NULL, html = NULL, file_name = NULL, file_text = NULL,
         last_error = NULL, provider_id = NULL WHERE merchant_id = $1 AND recipient = $2""",
    "DELETE FROM message_stops WHERE merchant_id = $1 AND phone = $2",
    """UPDATE message_reports SET body = '' WHERE handled_at IS NOT NULL AND position(convert_to(substr($2, 4), 'UTF8') IN body) > 0
       AND gateway_id IN (SELECT id FROM message_gateways WHERE merchant_id = $1 OR merchant_id IS NULL)""",
    """UPDATE subscribers SET name = '', phone = '', why = '', link_round = link_round + 1,
         user_name = CASE WHEN kind = 'pppoe' THEN 'gone-' || id ELSE '' END WHERE id = ANY($7::bigint[])""",
    "UPDATE subscriber_devices SET mac = 'gone-' || id, name = '' WHERE subscriber_id = ANY($7::bigint[])",
    "UPDATE dialins SET address = '', mac = '' WHERE subscriber_id = ANY($7::bigint[])",
    "UPDATE credits SET holder = 'gone:' || id WHERE merchant_id = $1 AND holder = $8",
    "UPDATE refunds SET phone = '' WHERE merchant_id = $1 AND (phone = $2 OR receipt_id = ANY($4::bigint[]))",
    """UPDATE transfers SET result_text = NULL, phone = CASE WHEN kind = 'b2c' THEN $9 ELSE '' END WHERE merchant_id = $1
       AND (phone = $2 OR refund_id IN (SELECT id FROM refunds WHERE receipt_id = ANY($4::bigint[])))""",
    "DELETE FROM limits WHERE position($2 IN name) > 0",
    # Copies made before still hold it: they go with the next look at them.
    "UPDATE shop_copies SET next_try_at = created_at WHERE merchant_id = $1 AND ready_at IS NOT NULL AND ended_at IS NULL",
)


class _Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """A number in any spelling (a pattern PostgreSQL and Python read alike), and what is put in its place."""

    merchant_id: int
    digits: str
    pseudonym: str


async def erase(actor: Actor, typed: str, again: str, *, vault: Vault, now: datetime) -> dict[str, int]:
    """Erase a customer, in one transaction; how many rows of which kind there were. Forbidden; Invalid: not a number, or typed
    differently the second time; Conflict: something is open (`customers.hindrances`), or nothing is there."""
    merchant_id, phone = owner(actor), parsed(typed)
    try:
        is_same = parsed(again) == phone
    except Invalid:
        is_same = False
    if not is_same:
        raise Invalid({"again": OTHER_NUMBER})
    digest = vault.code_hash(f"erased|{merchant_id}|{phone}")
    async with atomic() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtext('erasures'), hashtext($1))", f"{merchant_id}|{phone}")
        person = await person_of(merchant_id, phone, fetch=tx.fetch)
        if await hindrances(person, fetch=tx.fetch):
            raise Conflict(OPEN)
        had = await counts(person, fetch=tx.fetch)
        await _carry_out(tx, person, f"x{digest.hex()[:8]}", vault=vault)
        by = f"user:{actor.user_id}"
        row_id = await tx.value(
            """INSERT INTO erasures (merchant_id, number_hash, asked_by, counts, created_at) VALUES ($1, $2, $3, $4, $5)
               RETURNING id""",
            merchant_id, digest, actor.user_id, msgspec.json.encode(had).decode(), now,
        )  # fmt: skip
        await note(tx, "erasures", row_id, "erased", merchant_id=merchant_id, at=now, actor=by, data={"rows": had})
    return had


async def note_saved(actor: Actor, person: Person, *, now: datetime) -> None:
    """Keep that what is kept of a customer was saved as a file; not whose it was."""
    merchant_id = owner(actor)
    async with atomic() as tx:
        by, rows = f"user:{actor.user_id}", {"rows": await counts(person, fetch=tx.fetch)}
        await note(tx, "merchants", merchant_id, "customer_saved", merchant_id=merchant_id, at=now, actor=by, data=rows)


async def _carry_out(tx: Tx, person: Person, pseudonym: str, *, vault: Vault) -> None:
    every = (*person.args, pseudonym, person.hashed, GONE)
    kinds = ("bigint", "text", *["bigint[]"] * 5, "text", "text", "text", "text")
    named = ", ".join(f"${number}::{kind}" for number, kind in enumerate(kinds, start=1))
    for step in _STEPS:
        # Every step takes the same arguments: those it does not use are named beside it.
        joint = f", {step.removeprefix('WITH ')}" if step.startswith("WITH ") else f" {step}"
        sql = f"WITH named AS (SELECT {named}){joint}"
        await tx.execute(sql, *every)
    for row in await tx.fetch(
        "SELECT id FROM subscribers WHERE id = ANY($1) AND password_sealed IS NOT NULL", person.subscribers
    ):
        sealed = vault.seal("subscribers", "password_sealed", row_id=row["id"], plaintext="erased")
        await tx.execute("UPDATE subscribers SET password_sealed = $2 WHERE id = $1", row["id"], sealed)
    await _scrub_answers(tx, person)
    await _sweep_texts(tx, person, pseudonym)


async def _scrub_answers(tx: Tx, person: Person) -> None:
    """M-Pesa's answers name who got money back, and who paid."""
    rows = await tx.fetch(
        """SELECT id, result::text AS result FROM mpesa_enquiries WHERE result IS NOT NULL AND (
             about IN (SELECT receipt FROM receipts WHERE id = ANY($1)) OR id IN (SELECT enquiry_id FROM transfers t JOIN refunds r
             ON r.id = t.refund_id WHERE r.receipt_id = ANY($1)))""",
        person.receipts,
    )
    for row in rows:
        kept = _without_names(msgspec.json.decode(row["result"]))
        await tx.execute(
            "UPDATE mpesa_enquiries SET result = $2 WHERE id = $1", row["id"], msgspec.json.encode(kept).decode()
        )


def _without_names(value: Any) -> Any:
    if isinstance(value, dict):
        named = {str(name): each for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return {
            name: "erased" if re.search(r"(?i)name|msisdn|party", name) else _without_names(each)
            for name, each in named.items()
        }
    if isinstance(value, list):
        return [_without_names(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value


async def _sweep_texts(tx: Tx, person: Person, pseudonym: str) -> None:
    """The number in whatever text of the merchant's somebody wrote it, in any spelling: notes, references, errors, JSON."""
    a, b, c = person.phone[3:6], person.phone[6:9], person.phone[9:]
    digits = rf"(?<![0-9])(00254|254|0)?[ .-]?{a}[ .-]?{b}[ .-]?{c}(?![0-9])"
    sweep = _Sweep(merchant_id=person.merchant_id, digits=digits, pseudonym=pseudonym)
    for name, table in BY_TABLE.items():
        columns = {column._meta.name: column for column in table._meta.columns}
        if "merchant_id" not in columns or name in FIXED:
            continue
        texts = [
            each
            for each, column in columns.items()
            if isinstance(column, Varchar | Text) and not isinstance(column, Bytea)
        ]
        if texts:
            changed = ", ".join(f"{each} = regexp_replace({each}, $2, $3, 'g')" for each in texts)
            wanted = " OR ".join(f"{each} ~ $2" for each in texts)
            await tx.execute(
                f"UPDATE {name} SET {changed} WHERE merchant_id = $1 AND ({wanted})",
                person.merchant_id,
                digits,
                pseudonym,
            )
        for each in (each for each, column in columns.items() if isinstance(column, JSONB)):
            await _sweep_json(tx, name, each, sweep)


async def _sweep_json(tx: Tx, table: str, column: str, sweep: _Sweep) -> None:
    sql = f"SELECT id, {column}::text AS json FROM {table} WHERE merchant_id = $1 AND {column}::text ~ $2"
    digits = re.compile(sweep.digits)
    for row in await tx.fetch(sql, sweep.merchant_id, sweep.digits):
        kept = _replaced(msgspec.json.decode(row["json"]), digits, sweep.pseudonym)
        await tx.execute(
            f"UPDATE {table} SET {column} = $2 WHERE id = $1", row["id"], msgspec.json.encode(kept).decode()
        )


def _replaced(value: Any, digits: re.Pattern[str], pseudonym: str) -> Any:
    if isinstance(value, dict):
        return {digits.sub(pseudonym, str(name)): _replaced(each, digits, pseudonym) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list):
        return [_replaced(each, digits, pseudonym) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, str):
        return digits.sub(pseudonym, value)
    if isinstance(value, int) and not isinstance(value, bool) and digits.fullmatch(str(value)):
        return pseudonym
    return value
