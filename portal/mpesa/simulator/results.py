"""Result codes of an STK push and their texts. Facts only, no behaviour.

Texts: Daraja 3.0 page "M-Pesa Express Simulate", result codes. What the page does not list is marked reported.
"""

RESULTS: dict[str, str] = {
    "0": "The service request is processed successfully.",
    "1": "The balance is insufficient for the transaction.",
    "2": "Declined due to limit rule.",
    "3": "Declined due to limit rule: greater than the maximum transaction amount.",
    "4": "Declined due to limit rule: would exceed daily transfer limit.",
    "8": "Declined due to limit rule: would exceed the maximum balance.",
    "17": "Rule limited.",
    "26": "System busy. Traffic blocking condition in place.",  # reported
    "1001": "Unable to lock subscriber, a transaction is already in process for the current subscriber.",  # reported
    "1019": "Transaction has expired.",
    "1025": "An error occurred while sending a push request.",
    "1032": "Request cancelled by user.",
    "1037": "DS timeout user cannot be reached.",
    "2001": "The initiator information is invalid.",
    "2028": "The request is not permitted according to product assignment.",
    "8006": "The security credential is locked.",
    "9999": "An error occurred while sending a push request.",  # reported
    "E3008": "The transaction is not permitted for this number.",  # code observed on the sandbox, text invented
    "SFC_IC0003": "The operator does not exist.",
}

# Observed on the sandbox: the same 1037 had another text in the query's answer, so nobody may map on the text.
QUERY_TEXTS: dict[str, str] = {"1037": "No response from user.", "1032": "Request canceled by the user"}

UNKNOWN_TEXT = "The service request failed."
PENDING_CODE = "4999"
PENDING_TEXT = "The transaction is still under processing"
NO_ANSWER_CODES = frozenset({"1037", "1019"})


def callback_text(code: str) -> str:
    """ResultDesc as the callback spells it."""
    return RESULTS.get(code, UNKNOWN_TEXT)


def query_text(code: str) -> str:
    """ResultDesc as the query spells it; for some codes not the callback's text."""
    return QUERY_TEXTS.get(code) or callback_text(code)


# Of the asynchronous commands: pages "Business To Customer", "Reversal", "Account Balance", result codes.
COMMAND_RESULTS: dict[str, str] = RESULTS | {
    "2": "Declined due to limit rule",
    "4": "Declined due to limit rule: would exceed daily transfer limit",
    "21": "The initiator is not allowed to initiate this request",
    "100000000": "Request was cached, waiting for resending",
    "R000001": "The transaction has already been reversed.",
    "R000002": "The OriginalTransactionID is invalid.",
}


def command_text(code: str) -> str:
    """ResultDesc in the result of an asynchronous command."""
    return COMMAND_RESULTS.get(code, UNKNOWN_TEXT)
