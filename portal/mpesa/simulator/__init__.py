"""Daraja on loopback, with virtual phones: for tests, benches and the demo. Never imported by the portal itself."""

from portal.mpesa.simulator.knobs import Knobs
from portal.mpesa.simulator.prompts import Action
from portal.mpesa.simulator.server import DarajaSimulator, create_simulator
from portal.mpesa.simulator.world import DEFAULT_KEY, DEFAULT_SECRET, SANDBOX_PASSKEY, SANDBOX_SHORTCODE, World

__all__ = [
    "DEFAULT_KEY",
    "DEFAULT_SECRET",
    "SANDBOX_PASSKEY",
    "SANDBOX_SHORTCODE",
    "Action",
    "DarajaSimulator",
    "Knobs",
    "World",
    "create_simulator",
]
