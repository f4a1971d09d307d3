"""How Daraja refuses: one exception, one body shape. Codes and texts are given where they are raised.

DarajaRefusal
 +-- NothingToAnswer     the phone has no prompt that fits the action (simulator's own, never seen on Daraja)
 +-- CannotPay           the phone's menu refuses a payment by hand (simulator's own)
"""


class DarajaRefusal(Exception):  # noqa: N818  (a refusal is an ordinary answer, not an error of ours)
    """Becomes `{"requestId", "errorCode", "errorMessage"}` with `status` (Daraja 3.0, sample error response)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message


class NothingToAnswer(DarajaRefusal):
    """The action needs a prompt (or a timed-out push) that the phone does not have. HTTP 409 on `/_sim`."""

    def __init__(self, message: str) -> None:
        super().__init__(409, "sim.nothing_to_answer", message)


class CannotPay(DarajaRefusal):
    """What the payer reads instead of a payment; `result_code` is the phone's. HTTP 409 on `/_sim`."""

    def __init__(self, message: str, *, result_code: str = "") -> None:
        super().__init__(409, "sim.cannot_pay", message)
        self.result_code = result_code


def invalid(field: str, code: str = "400.002.02") -> DarajaRefusal:
    """The code (by default the STK page's) naming the field, as the STK page spells it."""
    return DarajaRefusal(400, code, f"Bad Request - Invalid {field}")
