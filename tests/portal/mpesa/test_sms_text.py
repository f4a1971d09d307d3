"""Pasted M-Pesa messages: the receipt is found in English and Swahili, whole or in part; what is no receipt is not taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.mpesa.sms_text import Pasted, read

PAYBILL = (
    "UE92Q3N5H7 Confirmed. Ksh1,250.50 sent to KILIMANI CORNER for account K7QM2XWP on 9/5/26 at 11:23 AM New M-PESA "
    "balance is Ksh3,331.90. Transaction cost, Ksh5.00.Amount you can transact within the day is 499,800.00."
)
TILL = "UE92Q3N5H7 Confirmed. Ksh50.00 paid to KILIMANI CORNER. on 9/5/26 at 8:15 PM.New M-PESA balance is Ksh300.00."
SWAHILI = (
    "UE92Q3N5H7 Imethibitishwa. Ksh50.00 imetumwa kwa KILIMANI CORNER kwa akaunti ya K7QM 2XWP tarehe 9/5/26 saa 8:15 PM. "
    "Salio lako jipya la M-PESA ni Ksh300.00."
)
SWAHILI_TILL = "UE92Q3N5H7 Imethibitishwa. Ksh50.00 imelipwa kwa KILIMANI CORNER tarehe 9/5/26 saa 8:15 PM."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (PAYBILL, Pasted("UE92Q3N5H7", 125_050, "K7QM2XWP")),
        (TILL, Pasted("UE92Q3N5H7", 5000, "")),
        (SWAHILI, Pasted("UE92Q3N5H7", 5000, "K7QM 2XWP")),
        (SWAHILI_TILL, Pasted("UE92Q3N5H7", 5000, "")),
        ("Fwd: MPESA\n" + PAYBILL, Pasted("UE92Q3N5H7", 125_050, "K7QM2XWP")),
        (PAYBILL.lower(), Pasted("UE92Q3N5H7", 125_050, "K7QM2XWP")),
        (PAYBILL[:40], Pasted("UE92Q3N5H7", 125_050, "")),
        ("ue92q3n5h7", Pasted("UE92Q3N5H7")),
        (" UE92 Q3N5 H7 ", Pasted("UE92Q3N5H7")),
        ("UE92Q-3N5H7", Pasted("UE92Q3N5H7")),
        ("my code is UE92Q3N5H7 thanks", Pasted("UE92Q3N5H7")),
        ("ＵＥ９２Ｑ３Ｎ５Ｈ７", Pasted("UE92Q3N5H7")),
        ("UEKQWNXHBT", Pasted("UEKQWNXHBT")),
        ("UEKQWNXHBT Confirmed. Ksh10.00 sent to X", Pasted("UEKQWNXHBT", 1000)),
    ],
)
def test_a_receipt_is_found_however_it_is_pasted(text: str, found: Pasted) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i paid",
        "0712345678",
        "254712345678",
        "call 0712345678",
        "UE92Q3N5H",
        "UE92Q3N5H7X",
        "I PAID ALREADY YESTERDAY",
    ],
)
def test_what_is_no_receipt_is_not_taken_for_one(text: str) -> None:
    assert read(text) is None


def test_two_receipts_are_not_guessed_between() -> None:
    assert read(f"{PAYBILL} {PAYBILL.replace('UE92Q3N5H7', 'UE92Q3N5H8')}") is None
    assert read("UE92Q3N5H7 or UE92Q3N5H8") is None
    assert read(f"{PAYBILL} {PAYBILL}") is not None


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    found = read(text)
    assert found is None or (len(found.receipt) == 10 and found.receipt.isalnum() and not found.receipt.isdigit())
