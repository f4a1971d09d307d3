"""When a message to a merchant goes out, how often, and what befalls it on the way. Sending is delivery.py.

Every kind of message passes here: STK callbacks, C2B confirmations, results. Knobs and chances decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from portal.mpesa.simulator.knobs import CallbackFault
from portal.mpesa.simulator.records import Callback, Delivery
from portal.mpesa.simulator.world import World


@dataclass(slots=True, frozen=True)
class Fate:
    """What the knobs, or chance, have in store for one message."""

    is_lost: bool = False
    copies: int = 1
    delay_seconds: float = 0.0
    is_held: bool = False
    is_corrupt: bool = False
    is_forged_first: bool = False
    retries: int = 0

    @property
    def is_straight(self) -> bool:
        """Whether it goes out now, so that something may wait for it."""
        return not (self.is_lost or self.is_held or self.delay_seconds)


def dispatch(
    world: World, callback: Callback, *, follower: Callback | None = None, forge: Callable[[], bytes] | None = None
) -> None:
    """Send as the knobs say: once, later, many times, on release, or never.

    `follower` goes out when this one was delivered, or at once when this one is not on its way. `forge` writes the
    body of an invented success.
    """
    fate = _fate_of(world, callback)
    if follower and fate.is_straight:
        callback = replace(callback, heard=_then(world, follower))
        follower = None
    callback = replace(callback, retries_left=fate.retries)
    if fate.is_lost:
        lost = Delivery(world.clock.now(), callback.result_code, error="lost by the callback_lost knob")
        callback.deliveries.append(lost)
    else:
        _plan(world, callback, fate, forge)
    if follower:
        dispatch(world, follower)
    world.notify()


def _then(world: World, follower: Callback) -> Callable[[Delivery, bytes], None]:
    def send_it(_delivery: Delivery, _answer: bytes) -> None:
        dispatch(world, follower)

    return send_it


def release(world: World, callbacks: list[Callback]) -> None:
    """To the courier; but not before the HTTP answer of their push is out."""
    push = callbacks[0].push
    if push is None or push.acknowledged:
        world.outbox.extend(callbacks)
    else:
        # A result can be there before the HTTP answer of the push is out; without the knob, the answer goes first.
        push.waiting_callbacks.extend(callbacks)
    world.notify()


def _plan(world: World, callback: Callback, fate: Fate, forge: Callable[[], bytes] | None) -> None:
    if fate.is_corrupt:
        callback = replace(callback, body=callback.body[: len(callback.body) // 2])
    copy = replace(callback, heard=None)
    callbacks = [callback, *[copy] * (fate.copies - 1)]
    if fate.is_forged_first and forge:
        callbacks.insert(0, replace(copy, body=forge(), is_foreign=True, label=f"forged {copy.label}"))
    if fate.is_held:
        world.held.extend(callbacks)
    elif fate.delay_seconds:
        world.after(fate.delay_seconds, lambda: release(world, callbacks))
    else:
        release(world, callbacks)


def _fate_of(world: World, callback: Callback) -> Fate:
    knobs = world.knobs
    if callback.kind not in knobs.callback_kinds:
        return Fate()
    fate = Fate(
        is_lost=knobs.callback_lost,
        copies=knobs.callback_copies,
        delay_seconds=knobs.callback_delay_seconds,
        is_held=knobs.callback_hold,
        retries=knobs.callback_retries,
    )
    changes: dict[CallbackFault, Callable[[], Fate]] = {
        "lost": lambda: replace(fate, is_lost=True),
        "copied": lambda: replace(fate, copies=world.random.randint(2, 5)),
        "late": lambda: replace(fate, delay_seconds=world.random.uniform(0, knobs.callback_late_seconds)),
        "corrupt": lambda: replace(fate, is_corrupt=True),
        "forged": lambda: replace(fate, is_forged_first=True),
    }
    fault = _draw(world)
    return changes[fault]() if fault else fate


def _draw(world: World) -> CallbackFault | None:
    """One fault by chance, or none. Draws no number where no chance is set, so that a seed stays comparable."""
    chances = world.knobs.callback_chances
    if not chances:
        return None
    drawn = world.random.random()
    for fault, chance in chances.items():
        if drawn < chance:
            return fault
        drawn -= chance
    return None
