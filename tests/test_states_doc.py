"""docs/states.md is drawn from the transition tables; this test draws it again and compares."""

import os
from pathlib import Path

from portal.states import MACHINES

FILE = Path(__file__).parents[1] / "docs" / "states.md"
NAMES = {
    "vouchers": "Voucher",
    "payments": "Payment",
    "suspense": "Suspense",
    "refunds": "Refund",
    "transfers": "Transfer",
    "payouts": "Payout",
    "claims": "Claim",
    "alerts": "Alert",
    "comparisons": "Comparison",
    "floats": "Float",
    "access_grants": "Grant",
    "routers": "Router",
    "subscribers": "Subscriber",
    "subscriber_bills": "Bill",
    "messages": "Message",
    "prints": "Print",
    "agents": "Agent",
    "imports": "Import",
}


def drawn() -> str:
    """The document as the transition tables say it."""
    lines = [
        "# States",
        "",
        "Drawn from the transition tables in `portal/machines.py` and its neighbours by a test; "
        "`VOCHA_DRAW=1 pytest tests/test_states_doc.py` draws it anew.",
    ]
    for table, transitions in MACHINES.items():
        lines += ["", f"## {NAMES[table]}", "", "```mermaid", "stateDiagram-v2"]
        lines += [f"    {was} --> {became}: {event}" for (was, event), became in transitions.items()]
        lines += ["```", "", "| From | Event | To |", "| --- | --- | --- |"]
        lines += [f"| {was} | {event} | {became} |" for (was, event), became in transitions.items()]
    return "\n".join(lines) + "\n"


def test_the_document_says_what_the_tables_say() -> None:
    if os.environ.get("VOCHA_DRAW"):
        FILE.write_text(drawn())
    assert FILE.read_text() == drawn(), "docs/states.md is out of date: VOCHA_DRAW=1 pytest tests/test_states_doc.py"
