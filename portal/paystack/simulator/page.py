"""The simulator's page to pay on. Says what it is; works without JavaScript on a narrow screen."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Card page (simulator)</title></head>
<body style="font:16px/1.5 sans-serif;max-width:24rem;margin:2rem auto;padding:0 1rem">
<p><b>SIMULATOR</b>: no card is charged here.</p><h1>Pay {amount}</h1>
<form method="post" action="/pay/{code}">
<p><button name="card" value="paid">Pay with a card that works</button></p>
<p><button name="card" value="declined">A card that is declined</button></p>
<p><button name="card" value="no_money">A card without money</button></p>
<p><button name="card" value="cancel">Go back without paying</button></p>
</form></body></html>
"""
