"""Pull: the C2B payments of the last 48 hours, by rows from an offset, with the payer's number in full.

Source: Daraja 3.0 page "Pull Transaction"; the answer's nesting and `sender` from samples of earlier portals. The page
names GET in one line and POST in the request: both are answered. Inferred: windows are in Nairobi time, and an
unregistered shortcode is an invalid one.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from litestar import HttpMethod, Request, post, route
from litestar.di import NamedDependency
from litestar.types import ASGIApp

from portal.mpesa.simulator.answers import json_answer
from portal.mpesa.simulator.errors import invalid
from portal.mpesa.simulator.gate import check_token, matching, read_json, text, web_address
from portal.mpesa.simulator.ids import EAT
from portal.mpesa.simulator.records import LedgerRow, Shortcode
from portal.mpesa.simulator.spellings import PULL
from portal.mpesa.simulator.world import World

WINDOW = timedelta(hours=48)
_NUMBER = re.compile(r"\d{5,9}")
_NOMINATED = re.compile(r"(0|254)[17]\d{8}")
_OFFSET = re.compile(r"\d{1,9}")
_MOMENT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{2})(?::(\d{1,3}))?")

AnyRequest = Request[Any, Any, Any]


@post("/pulltransactions/v1/register", status_code=200)
async def register(request: AnyRequest, world: NamedDependency[World]) -> ASGIApp:
    """Once per shortcode: 1000, and 1001 from the second time on."""
    check_token(world, request)
    body = await read_json(request, first="ShortCode")
    shortcode = _shortcode(world, body)
    matching(body, "RequestType", re.compile("Pull"), PULL.field_code)
    matching(body, "NominatedNumber", _NOMINATED, PULL.field_code)
    web_address(body, "CallBackURL", PULL.field_code)
    was_there, shortcode.is_pulling = shortcode.is_pulling, True
    return json_answer(
        {
            "ResponseRefID": world.new_request_id(),
            "ResponseStatus": "1001" if was_there else "1000",
            "ShortCode": shortcode.number,
            "ResponseDescription": "ShortCode already Registered" if was_there else "Shortcode Registered Successfully",
        }
    )


@route("/pulltransactions/v1/query", http_method=[HttpMethod.POST, HttpMethod.GET], status_code=200)
async def query(request: AnyRequest, world: NamedDependency[World]) -> ASGIApp:
    """Rows in the window, oldest first, from the offset on; 1001 and `[[]]` when there is none."""
    check_token(world, request)
    body = await read_json(request, first="ShortCode")
    shortcode = _shortcode(world, body)
    if not shortcode.is_pulling:
        raise invalid("ShortCode", PULL.field_code)
    start, end = _moment(body, "StartDate"), _moment(body, "EndDate")
    offset = int(matching(body, "OffSetValue", _OFFSET, PULL.field_code)) if text(body, "OffSetValue") else 0
    rows = _rows(world, shortcode, start, end)[offset : offset + world.knobs.pull_page_size]
    return json_answer(
        {
            "ResponseRefID": world.new_request_id(),
            "ResponseCode": "1000" if rows else "1001",
            "ResponseMessage": "Success" if rows else "No transactions available for the selected time period",
            "Response": [[_described(world, shortcode, row) for row in rows]],
        }
    )


def _shortcode(world: World, body: dict[str, Any]) -> Shortcode:
    found = world.find_shortcode(matching(body, "ShortCode", _NUMBER, PULL.field_code))
    if found is None:
        raise invalid("ShortCode", PULL.field_code)
    return found


def _moment(body: dict[str, Any], name: str) -> datetime:
    """`2020-08-04 8:36:00`; the page's samples also leave the seconds out or write three digits of them."""
    found = _MOMENT.fullmatch(text(body, name))
    try:
        if found is None:
            raise invalid(name, PULL.field_code)
        year, month, day, hour, minute = (int(part) for part in found.groups()[:5])
        return datetime(year, month, day, hour, minute, min(int(found[6] or 0), 59), tzinfo=EAT)
    except ValueError as error:
        raise invalid(name, PULL.field_code) from error


def _rows(world: World, shortcode: Shortcode, start: datetime, end: datetime) -> list[LedgerRow]:
    now = world.clock.now()
    newest = now - timedelta(seconds=world.knobs.pull_delay_seconds)
    earliest = max(start, now - WINDOW)
    return [
        row
        for row in world.ledger
        if row.shortcode == shortcode.number
        and row.kind in ("stk", "c2b")
        # The window is told in whole seconds.
        and earliest <= row.at < end + timedelta(seconds=1)
        and row.at <= newest
    ]


def _described(world: World, shortcode: Shortcode, row: LedgerRow) -> dict[str, Any]:
    is_bill = shortcode.kind == "paybill"
    return {
        "transactionId": row.receipt,
        "trxDate": f"{row.at:%Y-%m-%dT%H:%M:%S}Z",
        "msisdn": int(row.msisdn),
        "sender": str(world.phone(row.msisdn).owner),
        "transactiontype": "c2b-pay-bill-debit" if is_bill else "c2b-buy-goods-debit",
        "billreference": row.account_reference if is_bill else "",
        "amount": f"{row.amount_cents / 100:.2f}",
        "organizationname": shortcode.name,
    }


HANDLERS = [register, query]
