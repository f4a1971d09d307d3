"""Every behaviour of the simulator that can be switched, with its real-world default. State is in world.py.

A `Knobs` is frozen: turn a knob by `world.turn(callback_lost=True)` or `POST /_sim/knobs`, both validated here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

FaultName = Literal[
    "none", "busy", "spike", "quota", "internal", "gateway_429", "html_403", "html_503",
    "reset", "hang", "truncated", "empty", "drip",
]  # fmt: skip
"""What may go wrong with one HTTP answer; see answers.py for each."""

CallbackFault = Literal["lost", "copied", "late", "corrupt", "forged"]
AutoName = Literal["pin", "cancel", "wrong_pin", "ignore"]
Chance = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Knobs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All switches. `*_seconds` run on the simulator's clock unless said otherwise; amounts are in KES."""

    #: `expires_in` is a string in Daraja 2.0 pages, a number in 3.0 pages.
    expires_in_as: Literal["string", "number"] = "string"
    token_seconds: Seconds = 3600.0
    #: How long an old token still works after a new one was given; Daraja's FAQ says not at all.
    token_grace_seconds: Seconds = 0.0
    #: Spelling of "bad token": each API's own, as its page documents, or one for all.
    token_error: Literal["per_api", "404.001.03", "401.002.01", "400.003.01", "401.003.01"] = "per_api"  # noqa: S105  (error codes)
    #: Refuse every call with 401.003.01 "no apiproduct match found": a product missing on the app, not an expiry.
    product_missing: bool = False

    oauth_fault: FaultName = "none"
    query_fault: FaultName = "none"
    push_fault: FaultName = "none"
    #: The push fault is over after so many pushes; None: until turned off.
    push_fault_times: Count | None = None
    #: Whether the payment goes on behind a faulty answer; None: as the fault naturally does.
    push_fault_accepts: bool | None = None
    #: Real seconds a `hang` holds, and a `drip` takes to send its body.
    hang_seconds: Seconds = 30.0

    #: From the accepted push to the prompt on the phone.
    prompt_after_seconds: Seconds = 0.0
    #: 26 s was measured on the sandbox; production is usually given as 60 s.
    no_answer_seconds: Seconds = 26.0
    no_answer_result: Literal["1037", "1019"] = "1037"
    #: Result 17 for the same amount and phone within 2 min: after any push that rang (as documented), only after a
    #: paid one, or never.
    repeat_rule: Literal["initiated", "paid", "off"] = "initiated"
    #: The real sandbox rings only 254708374149 and ends every other number with E3008; it registers no URLs for 174379.
    persona: Literal["open", "sandbox"] = "open"
    #: Every push ends at once with this code, without a prompt ("0" pays).
    force_result: str | None = None

    #: STK query limiter per token, seen on the sandbox as 5 in 60 s with burst 1; None: no limit.
    query_per_minute: Annotated[float, msgspec.Meta(gt=0)] | None = 5.0
    query_burst: Count = 1
    #: Add a Retry-After header to the gateway's 429 (not observed).
    retry_after_header: bool = False
    query_pending: Literal["4999", "being_processed", "mixed"] = "4999"
    #: Asked sooner than this after the push, the query answers "Invalid CheckoutRequestID".
    query_too_early_seconds: Seconds = 2.0

    #: Which messages the `callback_*` faults below hit. Validation requests are never hit.
    callback_kinds: tuple[Literal["stk", "confirmation", "result", "timeout"], ...] = (
        "stk", "confirmation", "result", "timeout",
    )  # fmt: skip
    #: Faults by chance, one at most per message: lost, copied (2 to 5 times), late, corrupt (half a body), forged (an
    #: invented success from the foreign address goes first; STK only).
    callback_chances: dict[CallbackFault, Chance] = {}
    #: Late messages wait for up to so many seconds.
    callback_late_seconds: Seconds = 60.0
    callback_lost: bool = False
    callback_delay_seconds: Seconds = 0.0
    #: So many identical callbacks, sent in parallel.
    callback_copies: Count = 1
    #: Hold the push's HTTP answer back until its callback was delivered (20 real seconds at most).
    callback_before_response: bool = False
    #: Daraja does not retry. For merchants who believe it does: so many more tries after an answer that is not 2xx.
    callback_retries: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    callback_retry_seconds: Seconds = 5.0
    #: Keep callbacks back until `POST /_sim/callbacks/release`, in order or reversed.
    callback_hold: bool = False
    #: The callback tells this amount whatever was paid.
    callback_amount: Annotated[float, msgspec.Meta(ge=0)] | None = None
    #: ResultCode as text in every callback; some codes, like SFC_IC0003, are always text.
    callback_text_code: bool = False
    callback_phone: Literal["full", "masked", "absent"] = "full"
    #: The Balance item: absent, without a Value, with one, or any of these by chance.
    callback_balance: Literal["absent", "empty", "value", "random"] = "random"
    callback_shuffle: bool = True
    #: Which loopback alias callbacks come from: the one the merchant lists as Safaricom's, or another.
    callback_source: Literal["listed", "foreign"] = "listed"
    listed_address: str = "127.0.0.1"
    foreign_address: str = "127.0.0.66"
    #: Real seconds for one delivery; the true figure is unknown, claims start at 5 s.
    callback_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    #: Hosts outside loopback that callbacks may be sent to.
    callback_hosts: tuple[str, ...] = ()
    #: Public origins and where they really are, as {"https://pay.example": "http://127.0.0.1:8000"}.
    callback_routes: dict[str, str] = {}

    #: C2B registration: in production once only, HTTPS only, no forbidden words in the addresses.
    c2b_rules: Literal["sandbox", "production"] = "sandbox"
    #: Real seconds the validation URL has; the page says "usually < 8 seconds".
    validation_timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 8.0
    #: A shortcode with C2B URLs hears of STK payments by a confirmation too: after the STK callback, before it, or not.
    stk_confirmation: Literal["after", "before", "off"] = "after"
    #: The masked number of version 2, as `2547 ***** 126` or `25470****149`; both are in the documentation.
    msisdn_mask: Literal["spaced", "starred"] = "spaced"
    payer_names: Literal["first", "full", "blank"] = "first"

    #: From the acknowledgement of an asynchronous command to its result.
    result_after_seconds: Seconds = 0.0
    #: Where the outcome goes: ResultURL, QueueTimeOutURL (the body is a guess, the real one is unknown), or nowhere.
    result_road: Literal["result", "timeout", "none"] = "result"
    #: Whether a command that "timed out in the queue" was carried out all the same.
    queue_timeout_executes: bool = False
    #: Result and type codes as the API's own page shows them, or all numbers, or all strings.
    result_code_as: Literal["documented", "number", "string"] = "documented"
    #: ReferenceItem is an object in samples with one item, an array in others.
    reference_item: Literal["object", "array", "random"] = "object"
    #: Transaction status names both parties DebitPartyName, as its sample does.
    result_duplicate_keys: bool = False
    #: Fault of the acknowledgement of asynchronous commands; the command goes on as with `push_fault`.
    command_fault: FaultName = "none"
    b2c_charge_cents: Annotated[int, msgspec.Meta(ge=0)] = 0
    #: How long a payment takes to appear in Pull.
    pull_delay_seconds: Seconds = 0.0
    pull_page_size: Count = 100

    #: What phones without their own setting do by themselves when a prompt shows; for benches.
    auto_answer: AutoName | None = None
    #: The same by chance, decided anew for each prompt; what is left of 1 is `auto_answer`.
    auto_chances: dict[AutoName, Chance] = {}
    auto_answer_after_seconds: Seconds = 0.0


PRESETS: dict[str, Knobs] = {
    "sandbox": Knobs(),
    "strict_sandbox": Knobs(persona="sandbox"),
    "production": Knobs(no_answer_seconds=60.0, c2b_rules="production"),
}


def turned(knobs: Knobs, changes: Mapping[str, Any]) -> Knobs:
    """The knobs with some changed. msgspec.ValidationError names the knob that is unknown or has a wrong value."""
    return msgspec.convert({**msgspec.structs.asdict(knobs), **changes}, Knobs)
