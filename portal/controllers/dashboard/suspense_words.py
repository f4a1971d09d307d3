"""Words for money that fits nothing: why it waits, what it may be for, what became of it."""

from collections.abc import Mapping

from portal.msgid import N_

#: Why it waits → sentence.
WHY_WORDS: Mapping[str, str] = {
    "no_reference": N_("No account number was typed."),
    "no_match": N_("Nothing has this account number."),
    "ambiguous": N_("The account number may mean more than one thing."),
    "foreign": N_("The account number belongs to another shop."),
    "over": N_("The voucher it names had ended."),
    "wrong_amount": N_("M-Pesa cannot have moved this amount."),
}
#: What speaks for a suggestion → words.
WHY_SUGGESTED: Mapping[str, str] = {
    "claim": N_("A customer says: I paid this"),
    "reference": N_("The account number is nearly this one"),
    "payer": N_("The same phone wanted to buy this"),
}
#: What became of it → (tone, words).
RESOLUTION_WORDS: Mapping[str, tuple[str, str]] = {
    "attached": ("ok", N_("Given to a purchase")),
    "credited": ("info", N_("Kept for the customer")),
    "kept": ("off", N_("Kept by the shop")),
    "refund": ("info", N_("Goes back")),
}
