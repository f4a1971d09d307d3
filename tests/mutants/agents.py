"""Bugs on the way of money through agents' hands."""

from tests.mutants.mutant import Mutant

_MONEY = "tests/portal/agents/test_money.py::"

AGENTS: tuple[Mutant, ...] = (
    Mutant(
        "cash an agent took is in nobody's account",
        "portal/payments/receive.py",
        "cash_cents=paid.amount_cents if paid.road == Road.CASH else 0",
        "cash_cents=0",
        (f"{_MONEY}test_from_giving_cards_to_settling_nothing_is_lost",),
    ),
    Mutant(
        "what agents hold is paid out to their merchant",
        "portal/ledger.py",
        "'own_clearing', 'agents', 'agent_commission')\"",
        "'own_clearing')\"",
        (f"{_MONEY}test_from_giving_cards_to_settling_nothing_is_lost",),
    ),
    Mutant(
        "cards in hand do not count towards the limit",
        "portal/agents/stock.py",
        ' + await people.in_hand(tx, agent["id"])',
        "",
        (f"{_MONEY}test_who_pays_in_advance_gets_cards_for_what_was_brought",),
    ),
    Mutant(
        "an agent may open the pages of the shop",
        "portal/controllers/dashboard/agents_only.py",
        "    if not any(path == own",
        "    if not path and not any(path == own",
        ("tests/portal/web/test_sell_pages.py::test_an_agent_sees_nothing_of_the_shop",),
    ),
)
