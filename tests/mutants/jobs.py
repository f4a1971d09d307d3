"""Bugs in what is done by itself: runs and their places, bills, messages, promos, refunds, routers that suspend."""

from tests.mutants.mutant import Mutant

_RUNNER = "tests/jobs/test_runner.py::"
_BILLING = "tests/portal/subscribers/test_billing.py::"
_SENDING = "tests/portal/messages/test_sending.py::"
_PROMOS = "tests/portal/promos/test_redeeming.py::"
_RAILS = "tests/portal/rails/test_refunds.py::"
_KEPT = "tests/portal/payments/test_kept_money.py::"
_CRON = "tests/portal/web/test_cron.py::"
_KEYS = "portal/piccolo_migrations/portal_2026_11_20t11_50_50_000000.py"

JOBS: tuple[Mutant, ...] = (
    Mutant(
        "a period may have two bills: its key is dropped",
        _KEYS,
        "CREATE UNIQUE INDEX subscriber_bills_period",
        "CREATE INDEX subscriber_bills_period",
        ("tests/portal/subscribers/test_machine.py::test_a_period_has_one_live_bill_and_a_bill_one_debit",),
        sql="DROP INDEX subscriber_bills_period",
    ),
    Mutant(
        "a bill may be debited twice: its key is dropped",
        _KEYS,
        "CREATE UNIQUE INDEX ledger_postings_bill_once",
        "CREATE INDEX ledger_postings_bill_once",
        ("tests/portal/subscribers/test_machine.py::test_a_period_has_one_live_bill_and_a_bill_one_debit",),
        sql="DROP INDEX ledger_postings_bill_once",
    ),
    Mutant(
        "a wallet is spent from without a lock",
        "portal/subscribers/accounts.py",
        '    await tx.execute("SELECT FROM credits WHERE id = ANY($1) ORDER BY id FOR UPDATE", credit_ids)\n',
        "",
        ("tests/portal/subscribers/test_wallets.py",),
    ),
    Mutant(
        "days of bills are UTC's, not the merchant's",
        "portal/subscribers/calendar.py",
        "    return now.astimezone(zone).date()\n",
        "    return now.date()\n",
        ("tests/portal/subscribers/test_calendar.py", _BILLING[:-2]),
    ),
    Mutant(
        "days without access are charged",
        "portal/subscribers/course.py",
        "        _cut(self, self._grace_ends(self.dues[0].due_at))\n",
        "        self.next_bill_on = None\n",
        (f"{_BILLING}test_days_without_access_are_not_charged",),
    ),
    Mutant(
        "one row that cannot be billed stops the rest",
        "portal/subscribers/billing.py",
        '            log.exception("a batch of subscribers failed; one by one")\n'
        "            seen = await _one_by_one(failed, bills=bills, now=now, actor=actor)\n",
        "            return Course(done, 1)\n",
        (f"{_BILLING}test_a_row_that_cannot_be_billed_does_not_stop_the_rest",),
    ),
    Mutant(
        "who has paid ahead is reminded all the same",
        "portal/subscribers/reminders.py",
        "    return past[-1] if past and is_needed(account) else None\n",
        "    return past[-1] if past else None\n",
        (f"{_BILLING}test_who_has_paid_ahead_is_not_reminded",),
    ),
    Mutant(
        "the fence is not compared",
        "portal/running.py",
        "AND fence = $3 FOR KEY SHARE",
        "AND fence >= $3 FOR KEY SHARE",
        (f"{_RUNNER}test_the_run_of_a_dead_worker_is_taken_over_and_the_dead_can_write_nothing",),
    ),
    Mutant(
        "the fence is compared but not held",
        "portal/running.py",
        "AND fence = $3 FOR KEY SHARE",
        "AND fence = $3",
        (f"{_RUNNER}test_nobody_takes_the_place_while_a_fenced_transaction_is_open",),
    ),
    Mutant(
        "whoever was taken for dead writes the end of its run",
        "portal/job_places.py",
        "AND fence = $3 AND run_id = $4 FOR UPDATE",
        "AND fence >= $3 AND run_id = $4 FOR UPDATE",
        (f"{_RUNNER}test_the_run_of_a_dead_worker_is_taken_over_and_the_dead_can_write_nothing",),
    ),
    Mutant(
        "a place is taken over without a look at its heartbeat",
        "portal/job_places.py",
        "(p.run_id IS NULL OR p.beat_at < clock_timestamp() - {DEAD_AFTER})",
        "(p.run_id IS NULL OR p.known_at < clock_timestamp() + {DEAD_AFTER})",
        (f"{_RUNNER}test_the_run_of_a_dead_worker_is_taken_over_and_the_dead_can_write_nothing",),
    ),
    Mutant(
        "a run covers what was asked for while it ran",
        "portal/job_places.py",
        "AND coalesce(r.ended_at, r.asked_at) <= mine.started_at",
        "AND coalesce(r.ended_at, r.asked_at) <= clock_timestamp()",
        (f"{_RUNNER}test_a_run_covers_those_asked_for_before_it_began_and_no_others",),
    ),
    Mutant(
        "the slot asked for by cron is this moment",
        "portal/controllers/cron.py",
        "    slot = entry.latest_slot(clock.now())\n",
        "    slot = clock.now()\n",
        (f"{_CRON}test_asking_hundreds_of_times_for_a_slot_runs_it_once",),
    ),
    Mutant(
        "a message is marked sent before it is sent",
        "portal/messages/sending.py",
        "        outcome = await gateway.send(ready)\n",
        "        await record(row, Accepted(), now=clock.now())\n"
        '        faults.reach("message.answered")\n'
        "        outcome = await gateway.send(ready)\n",
        ("tests/portal/messages/test_killed.py",),
    ),
    Mutant(
        "a message whose sender died goes again",
        "portal/messages/claiming.py",
        '        again = [row["id"] for row in dead if row["repeats_safely"]]\n'
        '        lost = [row["id"] for row in dead if not row["repeats_safely"]]\n',
        '        again = [row["id"] for row in dead]\n        lost = list[int]()\n',
        ("tests/portal/messages/test_killed.py", f"{_SENDING}test_an_answer_after_its_lease_still_counts"),
    ),
    Mutant(
        "the cap counts what is sent, not what goes with it",
        "portal/messages/claiming.py",
        "sent_today=today + by_merchant[ours],\n",
        "sent_today=today,\n",
        ("tests/portal/messages/test_costs.py::test_the_daily_cap_is_kept_to_the_message_and_codes_go_beside_it",),
    ),
    Mutant(
        "two workers count towards the cap at the same time",
        "portal/messages/claiming.py",
        '        await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"message_gateways {gateway_id}")\n',
        "",
        (f"{_SENDING}test_the_daily_cap_is_kept_however_many_claim_at_once",),
    ),
    Mutant(
        "the limit of a promo is a prior count",
        "portal/promos/redeeming.py",
        '    promo = await tx.row(f"{_FIND} FOR NO KEY UPDATE", merchant_id, offer.code)\n',
        "    promo = await tx.row(_FIND, merchant_id, offer.code)\n",
        (
            f"{_PROMOS}test_twenty_at_once_use_five_and_no_more",
            f"{_PROMOS}test_one_number_many_times_at_once_uses_it_once",
        ),
    ),
    Mutant(
        "the price of a promo is not looked at again",
        "portal/promos/redeeming.py",
        "    if _offer(promo, package, now=now) != offer:\n",
        "    if _offer(promo, package, now=now).code != offer.code:\n",
        (f"{_PROMOS}test_a_price_changed_since_it_was_shown_is_refused_not_asked_for",),
    ),
    Mutant(
        "a refund by a rail is asked for again after a lost answer",
        "portal/rails/returning.py",
        "            case Returned.UNKNOWN:\n                await _unknown(tx, row, said.said, now=now)\n",
        "            case Returned.UNKNOWN:\n"
        "                again = now + timedelta(seconds=30)\n"
        '                await move(tx, "transfers", row["id"], E.RETRY, at=now, actor=_ACTOR, next_try_at=again)\n',
        (f"{_RAILS}test_a_refund_whose_answer_is_lost_happens_once",),
    ),
    Mutant(
        "a provider that does not tell is taken for one that knows of nothing",
        "portal/rails/returning.py",
        "        if said.state is Returned.LATER and row",
        "        if said.state in (Returned.LATER, Returned.UNKNOWN) and row",
        (f"{_RAILS}TestAirtel",),
    ),
    Mutant(
        "a dial-in customer is suspended and stays online",
        "routeros/dialins.py",
        "    return not wanted.is_on or bool(",
        "    return bool(",
        ("tests/jobs/test_dialins.py::test_a_suspended_customer_is_cut_and_comes_back_when_resumed",),
    ),
    Mutant(
        "a shop hears at every look that its router is away",
        "portal/routers/away.py",
        '    if not await alerts.begin(tx, KIND, f"router:{router_id}", now=now, data=known, merchant_id=merchant_id):\n'
        "        return\n",
        '    await alerts.begin(tx, KIND, f"router:{router_id}", now=now, data=known, merchant_id=merchant_id)\n'
        "    since = now\n",
        ("tests/jobs/test_router_watch.py::test_ten_minutes_away_are_told_once_and_the_return_once",),
    ),
    Mutant(
        "kept money is spent for whoever asks for the number",
        "portal/payments/kept.py",
        '    if not payment["credit_cents"] or not _is_by_number(payment["phone"], paid):\n',
        '    if not payment["credit_cents"]:\n',
        (f"{_KEPT}test_a_strangers_hand_cannot_pay_the_rest_for_the_number",),
    ),
    Mutant(
        "kept money is counted without a lock",
        "portal/customer_credits.py",
        "WHERE merchant_id = $1 AND holder = $2 FOR UPDATE",
        "WHERE merchant_id = $1 AND holder = $2",
        (f"{_KEPT}test_two_at_once_cannot_spend_the_same_money",),
    ),
)
