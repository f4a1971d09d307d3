"""How each API of Daraja spells the same mistakes: bad token, wrong path, wrong verb, wrong field. Facts only.

Source: the error tables of the Daraja 3.0 pages. Where a page gives a code without a text for a field, the text of the
STK page is used (inferred). Pull's HTTP statuses are inferred from its codes.
"""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Spelling:
    """`(status, code, message)` where a page gives one answer; `field_code` where the message names a field."""

    bad_token: tuple[int, str, str]
    wrong_path: tuple[int, str, str]
    wrong_verb: tuple[int, str, str]
    field_code: str


_NO_VERB = (405, "405.001", "{method} Method Not Allowed")
EXPRESS = Spelling(
    bad_token=(404, "404.001.03", "Invalid Access Token"),
    wrong_path=(404, "404.001.01", "Resource not found"),
    wrong_verb=_NO_VERB,
    field_code="400.002.02",
)
COMMAND = Spelling(
    bad_token=(401, "401.002.01", "Error Occurred - Invalid Access Token"),
    wrong_path=(404, "404.002.01", "Resource not found"),
    wrong_verb=_NO_VERB,
    field_code="400.002.02",
)
C2B = Spelling(
    bad_token=(400, "400.003.01", "Invalid Access Token"),
    wrong_path=(404, "404.003.01", "Resource not found"),
    wrong_verb=(404, "404.001.04", "Invalid Authentication Header"),
    field_code="400.003.02",
)
PULL = Spelling(
    bad_token=(401, "401.001", "Invalid Access Token"),
    wrong_path=(404, "404.001.01", "Resource not found"),
    wrong_verb=_NO_VERB,
    field_code="400.001",
)
_BY_PATH = (
    ("/mpesa/c2b/", C2B),
    ("/mpesa/transactionstatus/", C2B),
    ("/mpesa/b2c/", COMMAND),
    ("/mpesa/accountbalance/", COMMAND),
    ("/pulltransactions/", PULL),
)


def spelling_of(path: str) -> Spelling:
    """By the path's beginning; everything else spells like STK (reversal does, by its page)."""
    return next((spelling for start, spelling in _BY_PATH if path.startswith(start)), EXPRESS)
