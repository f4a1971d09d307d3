"""Bugs on the way of money in: what a tired person might write, where, and which promise catches it."""

from tests.mutants.mutant import Mutant

_ROADS = "tests/portal/callbacks/test_roads.py::"
_INTAKE = "tests/portal/callbacks/test_intake.py::"
_SPOOL = "tests/portal/callbacks/test_spool.py::"
_ORDER = "tests/portal/payments/test_order.py::"
_AMOUNTS = "tests/portal/payments/test_amounts.py::"
_HAND = "tests/portal/payments/test_by_hand.py::"
_CASES = "tests/portal/payments/test_cases_at_once.py::"

MONEY: tuple[Mutant, ...] = (
    Mutant(
        "no unique key: each road keeps a receipt of its own",
        "portal/payments/receipts.py",
        "VALUES ($1, $2, $3, $4, $5",
        "VALUES ($1, $2, $3, $4 || '-' || $8, $5",
        (f"{_HAND}test_one_payment_told_by_three_roads_is_one_payment",),
        chaos="caught: 79 sold or booked double, 202 receipts that are none of M-Pesa's (120 payments)",
    ),
    Mutant(
        "a prior SELECT instead of the key",
        "portal/payments/receipts.py",
        "    row = await tx.row(\n        _SEE,",
        '    row = await tx.row("SELECT *, false AS is_new FROM receipts WHERE rail = $1 AND receipt = $2", rail, receipt)\n'
        "    if row is not None:\n        return row\n    row = await tx.row(\n"
        "        _SEE.split('ON CONFLICT')[0] + 'RETURNING *, true AS is_new',",
        (f"{_ORDER}test_two_attempts_racing_for_one_receipt_sell_once",),
        sql="ALTER TABLE receipts DROP CONSTRAINT receipt_unique",
        chaos="not seen: needs one receipt told for two payments at the same instant, and no customer does that",
    ),
    Mutant(
        "answered before it is stored",
        "portal/controllers/callbacks.py",
        "        kept = await intake.take(message)\n",
        "        asyncio.ensure_future(intake.take(message))\n        kept = Kept.NEW\n",
        (f"{_ROADS}test_a_wrong_name_is_404_and_leaves_nothing_but_a_count", _INTAKE[:-2]),
        chaos="not seen: a moment between answer and insert; what falls into it is asked about like any lost one",
    ),
    Mutant(
        "an unfenced lease: whoever was too slow goes on",
        "portal/routers/visits.py",
        '"UPDATE routers SET lease_until = $3 WHERE id = $1 AND lease_token = $2 RETURNING id"',
        '"UPDATE routers SET lease_until = $3 WHERE id = $1 AND $2::text IS NOT NULL RETURNING id"',
        ("tests/jobs/test_leases.py",),
        chaos="cannot: its routers are never dialled, so nobody has a lease",
    ),
    Mutant(
        "money through a float",
        "portal/mpesa/fields.py",
        "        return Decimal(value.strip())\n",
        "        return Decimal(round(float(value.strip())))\n",
        ("tests/portal/mpesa/test_c2b.py",),
    ),
    Mutant(
        "a fraction of a shilling is rounded away",
        "portal/payments/receipts.py",
        "self.amount_cents % _STEPS.get(self.rail, 1) == 0",
        "self.amount_cents % 1 == 0",
        (f"{_AMOUNTS}test_a_fraction_of_a_shilling_is_a_mismatch_and_never_rounded",),
    ),
    Mutant(
        "the payload is believed, whoever sent it",
        "portal/callbacks/handling.py",
        'if is_hearsay and not row["is_trusted"]:',
        'if is_hearsay and row["is_trusted"] is None:',
        (f"{_ROADS}test_a_success_from_elsewhere_is_kept_and_credits_nothing_by_itself",),
        chaos="caught: 6 double, 6 receipts that are none of M-Pesa's, 10,000 cents off (120 payments)",
    ),
    Mutant(
        "the amount in the payload does not matter",
        "portal/payments/receive.py",
        "    if held.cents + own.cents + paid.amount_cents < target.price_cents:\n",
        "    if held.cents + own.cents + paid.amount_cents < 0:\n",
        (f"{_AMOUNTS}test_too_little_delivers_nothing_and_is_kept_for_the_reference",),
        chaos="caught: 1 sold for too little, which an invariant tells too (120 payments)",
    ),
    Mutant(
        "X-Forwarded-For is believed from anybody",
        "portal/headers.py",
        "    while hops and _is_in(peer, trusted):\n",
        "    while hops:\n",
        ("tests/portal/web/test_headers.py", _ROADS[:-2]),
    ),
    Mutant(
        "a paid payment may fail",
        "portal/machines.py",
        "    (_P.PENDING, E.FAIL): _P.FAILED,\n",
        "    (_P.PENDING, E.FAIL): _P.FAILED,\n    (_P.PAID, E.FAIL): _P.FAILED,\n",
        (f"{_ORDER}test_failure_after_success_is_ignored_and_kept_in_the_history",),
    ),
    Mutant(
        "a lost answer is pushed again",
        "portal/payments/push.py",
        "if isinstance(error, MpesaBusy) and",
        "if isinstance(error, (MpesaBusy, MpesaUnknown)) and",
        ("tests/portal/mpesa/test_cases.py",),
    ),
    Mutant(
        "CheckoutRequestID is not compared",
        "portal/payments/settle.py",
        "    if evidence.checkout_request_id and known_request and evidence.checkout_request_id != known_request:\n",
        "    if evidence.checkout_request_id and known_request and not evidence.checkout_request_id:\n",
        (f"{_ORDER}test_a_genuine_old_callback_pays_no_new_attempt",),
    ),
    Mutant(
        "the grant is made after the commit",
        "portal/payments/receive.py",
        "    await access_grants.want(tx, wish, vault=vault, now=now)\n    return issued.id\n",
        "    tx.after_commit.append(lambda: print(wish))\n    return issued.id\n",
        (f"{_CASES}test_a_death_after_the_credit_leaves_the_grant_and_its_wake_up",),
    ),
    Mutant(
        "the spool is not synced",
        "portal/spool.py",
        "        os.fsync(self._descriptor)\n        faults",
        "        faults",
        (_SPOOL[:-2],),
        chaos="cannot: a process dies by -9, not the machine; what it wrote is in the kernel's hands",
    ),
    Mutant(
        "a spool file goes before its messages are committed",
        "portal/callbacks/spooled.py",
        "        aside = await _bring(segment, drained)\n",
        "        segment.path.unlink()\n        aside = await _bring(segment, drained)\n",
        (_INTAKE[:-2], _SPOOL[:-2]),
    ),
    Mutant(
        "the merchant's share is rounded by itself",
        "portal/money.py",
        "    return ours, cents - ours\n",
        "    return ours, round(cents * (BASIS_POINTS - basis_points) / BASIS_POINTS + 0.5)\n",
        ("tests/portal/test_money.py",),
    ),
    Mutant(
        "half a cent of commission goes the other way",
        "portal/money.py",
        "basis_points + BASIS_POINTS // 2) // BASIS_POINTS",
        "basis_points) // BASIS_POINTS",
        ("tests/portal/test_money.py",),
    ),
    Mutant(
        "what is over is ours",
        "portal/payments/booking.py",
        "    return [Entry(Account.CUSTOMER_CREDIT, -cents, credit.id)]\n",
        "    return [Entry(Account.COMMISSION, -cents)]\n",
        (f"{_AMOUNTS}test_too_much_delivers_and_the_difference_is_the_payers",),
    ),
    Mutant(
        "a receipt that was used pays once more",
        "portal/payments/settle.py",
        "        if known is not None:\n            return known\n",
        '        if known is not None and evidence.road == "stk_query":\n            return known\n',
        (
            f"{_ORDER}test_a_receipt_used_on_another_attempt_is_refused_and_noted",
            f"{_ROADS}test_five_different_tellings_at_once_are_one_sale",
        ),
        chaos="not seen: nobody tells a receipt at another payment's address, and copies at the same one meet a second guard",
    ),
    Mutant(
        "a callback is handled as often as it is found",
        "portal/callbacks/handling.py",
        '        if row is None or row["handled_at"] is not None:\n',
        "        if row is None:\n",
        ("tests/portal/callbacks/test_once.py",),
    ),
    Mutant(
        "handled and settled are two transactions",
        "portal/callbacks/handling.py",
        '        outcome = await _ROADS[CallbackRoad(row["road"])](tx, row, vault, now)\n',
        '        await tx.execute("UPDATE callbacks SET handled_at = $2, next_try_at = NULL WHERE id = $1", callback_id, now)\n'
        '    faults.reach("settle.inside")\n'
        "    async with atomic() as tx:\n"
        '        outcome = await _ROADS[CallbackRoad(row["road"])](tx, row, vault, now)\n',
        (
            "tests/portal/callbacks/test_once.py::test_what_breaks_in_the_middle_of_a_sale_leaves_nothing_and_is_handled_later",
        ),
        chaos="not seen: what was marked handled and not settled is asked about, and found",
    ),
    Mutant(
        "an unknown code is a failure",
        "portal/mpesa/evidence.py",
        "    Meaning.UNKNOWN: Outcome.OPEN,\n",
        "    Meaning.UNKNOWN: Outcome.FAILED,\n",
        (f"{_ORDER}test_an_unknown_code_fails_nothing", _ROADS[:-2]),
    ),
    Mutant(
        "a shortcode is enough to know the merchant",
        "portal/callbacks/handling.py",
        '    if account is None or said.shortcode not in (account["shortcode"], account["party_b"]):\n',
        "    if account is None:\n",
        (_ROADS[:-2],),
    ),
)
