"""Callbacks: raw messages from outside. Stored first (or spooled), answered, handled second; a repeat is the same row."""

from portal.callbacks import addresses, proof
from portal.callbacks.checks import Checker
from portal.callbacks.handling import failed, handle, waiting
from portal.callbacks.intake import Intake
from portal.callbacks.results import Result, on_result
from portal.callbacks.spooled import Drained, drain, waiting_in
from portal.callbacks.store import MOST_BYTES, CallbackRoad, Kept, Message, keep

__all__ = [
    "MOST_BYTES",
    "CallbackRoad",
    "Checker",
    "Drained",
    "Intake",
    "Kept",
    "Message",
    "Result",
    "addresses",
    "drain",
    "failed",
    "handle",
    "keep",
    "on_result",
    "proof",
    "waiting",
    "waiting_in",
]
