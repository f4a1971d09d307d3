"""Reminders to customers: the time is about to end, it is over, you have not been here for long. Written here, sent by `messages`."""

from portal.reminders.choices import ONLY_MANAGERS, Choices, Form, asks_for_offers, choices, choose, wants_offers
from portal.reminders.telling import tell_over, warn
from portal.reminders.winning_back import find_inactive

__all__ = [
    "ONLY_MANAGERS",
    "Choices",
    "Form",
    "asks_for_offers",
    "choices",
    "choose",
    "find_inactive",
    "tell_over",
    "wants_offers",
    "warn",
]
