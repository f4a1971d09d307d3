"""Scenario files: a seed, knobs, phones that know what to answer, and steps on the simulator's clock. In TOML.

TOML because the standard library reads it. The merchant is not played: its requests come from outside, as ever.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from portal.mpesa.simulator import hand_payments, prompts
from portal.mpesa.simulator.errors import DarajaRefusal
from portal.mpesa.simulator.knobs import PRESETS, AutoName, Seconds, turned
from portal.mpesa.simulator.prompts import Action
from portal.mpesa.simulator.records import AutoAnswer, Registration
from portal.mpesa.simulator.world import World


class PhoneSetting(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A phone before the first step. `answers` are for its prompts in turn, then `auto`; `balance` is in KES."""

    number: str
    balance: int | None = None
    language: Literal["en", "sw"] = "en"
    is_on: bool = True
    answers: tuple[AutoName, ...] = ()
    auto: AutoName | None = None
    answers_after: Seconds = 0.0


class ShortcodeSetting(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A shortcode that is there already, or a new one when `passkey` and `name` are given. `utility` is in KES."""

    number: str
    name: str | None = None
    passkey: str | None = None
    till: str | None = None
    utility: int | None = None
    validates: bool | None = None
    confirmation_url: str | None = None
    validation_url: str = ""
    response_type: Literal["Completed", "Cancelled"] = "Completed"
    version: Literal["v1", "v2"] = "v2"


class Paying(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A payment by hand; with the wrong `pin` it fails as on a phone."""

    phone: str
    number: str
    amount: int
    account: str = ""
    pin: str | None = None


class Doing(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something done with a phone; what finds no prompt is noted in the log and forgotten."""

    phone: str
    action: Action
    pin: str | None = None


class Step(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One thing that happens `at` so many seconds after the start; `times` times, `every` so many seconds."""

    at: Seconds
    turn: dict[str, Any] | None = None
    pay: Paying | None = None
    do: Doing | None = None
    release: Literal["in_order", "reversed"] | None = None
    times: int = 1
    every: Seconds = 0.0


class Scenario(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A whole file. Tables are `[knobs]`, `[[shortcode]]`, `[[phone]]` and `[[step]]`."""

    seed: int
    preset: str = "sandbox"
    knobs: dict[str, Any] = {}
    shortcode: tuple[ShortcodeSetting, ...] = ()
    phone: tuple[PhoneSetting, ...] = ()
    step: tuple[Step, ...] = ()


def read_scenario(text: bytes | str) -> Scenario:
    """From TOML. msgspec.MsgspecError says what is wrong and where; nothing has happened then."""
    scenario = msgspec.toml.decode(text, type=Scenario)
    if scenario.preset not in PRESETS:
        raise msgspec.ValidationError(f"preset is one of {', '.join(PRESETS)}")
    first = turned(PRESETS[scenario.preset], scenario.knobs)
    for step in scenario.step:
        if sum(what is not None for what in (step.turn, step.pay, step.do, step.release)) != 1:
            raise msgspec.ValidationError("a step has one of turn, pay, do, release")
        turned(first, step.turn or {})
    return scenario


def play(world: World, scenario: Scenario) -> None:
    """Start over with the scenario's seed and put its steps on the agenda. ValueError for a number that is none."""
    world.reseed(scenario.seed)
    world.turn(**msgspec.structs.asdict(turned(PRESETS[scenario.preset], scenario.knobs)))
    for setting in scenario.shortcode:
        _set_shortcode(world, setting)
    for setting in scenario.phone:
        _set_phone(world, setting)
    for step in scenario.step:
        for turn in range(step.times):
            world.after(step.at + turn * step.every, _act(world, step))


def _set_shortcode(world: World, setting: ShortcodeSetting) -> None:
    shortcode = world.shortcodes.get(setting.number)
    if shortcode is None:
        if setting.passkey is None or setting.name is None:
            raise ValueError(f"shortcode {setting.number} is new: it needs a name and a passkey")
        shortcode = world.add_shortcode(setting.number, passkey=setting.passkey, name=setting.name, till=setting.till)
    if setting.utility is not None:
        shortcode.balance_cents = setting.utility * 100
    if setting.validates is not None:
        shortcode.validates = setting.validates
    if setting.confirmation_url is not None:
        shortcode.registration = Registration(
            setting.version, setting.response_type, setting.confirmation_url, setting.validation_url
        )


def _set_phone(world: World, setting: PhoneSetting) -> None:
    phone = world.phone(setting.number)
    if setting.balance is not None:
        phone.balance_cents = setting.balance * 100
    phone.language, phone.is_on = setting.language, setting.is_on
    phone.answers.extend(AutoAnswer(name, setting.answers_after) for name in setting.answers)
    phone.auto = AutoAnswer(setting.auto, setting.answers_after) if setting.auto else None


def _act(world: World, step: Step) -> Callable[[], None]:
    def act() -> None:
        try:
            if step.turn is not None:
                world.turn(**step.turn)
            elif step.pay is not None:
                pay = step.pay
                hand_payments.pay_by_hand(
                    world, pay.phone, pay.number, amount=pay.amount, account=pay.account, pin=pay.pin
                )
            elif step.do is not None:
                prompts.answer(world, step.do.phone, step.do.action, pin=step.do.pin)
            else:
                world.release_held(is_reversed=step.release == "reversed")
        except DarajaRefusal as refusal:
            # A person at a phone meets refusals too, and the others go on.
            world.note(f"step at {step.at:g} s: {refusal.message}")

    return act
