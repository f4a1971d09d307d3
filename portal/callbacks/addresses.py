"""Addresses given to M-Pesa: an unguessable name in the path, which is all that tells a message from a forgery.

A payment's own address is in its row (`payments.callback_token`); here are those of accounts and of single requests. The words
after the name avoid what Daraja bans in an address (its documentation, C2B "Register URL")."""

from datetime import datetime

from portal import codes
from portal.db import Tx

VALIDATION, CONFIRMATION, RESULT, TIMEOUT = "check", "paid", "result", "timeout"


async def of_account(tx: Tx, account_id: int, *, now: datetime) -> str:
    """The name in an account's addresses for payments by hand; made at the first call, the same ever after."""
    return await tx.value(
        """INSERT INTO callback_addresses (merchant_id, account_id, token, road, created_at)
           SELECT merchant_id, id, $2, 'c2b', $3 FROM mpesa_accounts WHERE id = $1
           ON CONFLICT (account_id) WHERE road = 'c2b' DO UPDATE SET account_id = excluded.account_id RETURNING token""",
        account_id,
        codes.hex_token(32),
        now,
    )


async def of_request(tx: Tx, kind: str, request_id: int, *, account_id: int, now: datetime) -> str:
    """The name in the addresses for one request's result; `kind` is what was asked for (see `results.on_result`), `request_id`
    the row that asks. Made in the transaction that makes the request, so that no result can come before it."""
    return await tx.value(
        """INSERT INTO callback_addresses (merchant_id, account_id, token, road, kind, request_id, created_at)
           SELECT merchant_id, id, $4, 'result', $2, $3, $5 FROM mpesa_accounts WHERE id = $1
           ON CONFLICT (kind, request_id) WHERE road = 'result' DO UPDATE SET kind = excluded.kind RETURNING token""",
        account_id,
        kind,
        request_id,
        codes.hex_token(32),
        now,
    )


def path(name: str, use: str) -> str:
    """The path to give to M-Pesa, such as `/cb/…/paid`; `use` is one of the four words above."""
    return f"/cb/{name}/{use}"
