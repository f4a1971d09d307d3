"""The simulator's phone: the prompt, its PIN, and the money. Works without JavaScript, narrow, dark and light. Text only."""

import html
from decimal import Decimal

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Airtel Money phone (simulator)</title>{refresh}
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:1rem auto;padding:0 1rem}}
input,button{{font:inherit;min-height:44px;padding:0 12px;box-sizing:border-box}}input{{width:100%;margin:4px 0 12px}}
.box{{border:1px solid;border-radius:12px;padding:12px 16px}}</style></head>
<body><p><b>Airtel Money</b> {number}<br>Balance: KES {balance}</p>{body}</body></html>
"""
_REFRESH = '<meta http-equiv="refresh" content="2">'
_PROMPT = """<form class="box" method="post"><p>Pay <b>{amount}</b>?</p>
<label for="pin">PIN</label><input id="pin" name="pin" inputmode="numeric" autocomplete="off" maxlength="8" autofocus>
<button name="do" value="pay">Pay</button> <button name="do" value="refuse">Refuse</button></form>
"""
_IDLE = "<p>No request. Requests appear here; the PIN is 1234.</p>"


def page(number: str, balance: Decimal, *, asked: str, said: str) -> str:
    """The phone's screen. `asked`: the amount of an open prompt, "" for none; `said`: what became of the last one."""
    body = _PROMPT.format(amount=html.escape(asked)) if asked else _IDLE
    last = f"<p>Last: {html.escape(said)}</p>" if said and not asked else ""
    return _FRAME.format(
        refresh="" if asked else _REFRESH, number=html.escape(number), balance=f"{balance:,.2f}", body=body + last
    )
