"""Daraja on loopback, with virtual phones: for tests, benches and the demo. Never imported by the portal itself."""

from portal.mpesa.simulator.errors import CannotPay
from portal.mpesa.simulator.generator import Order, world_generator
from portal.mpesa.simulator.initiators import CERTIFICATE_FILE
from portal.mpesa.simulator.knobs import Knobs
from portal.mpesa.simulator.prompts import Action
from portal.mpesa.simulator.scenario import Scenario, play, read_scenario
from portal.mpesa.simulator.server import DarajaSimulator, create_simulator
from portal.mpesa.simulator.world import (
    DEFAULT_INITIATOR,
    DEFAULT_INITIATOR_PASSWORD,
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    SANDBOX_SHORTCODE,
    World,
)

__all__ = [
    "CERTIFICATE_FILE",
    "DEFAULT_INITIATOR",
    "DEFAULT_INITIATOR_PASSWORD",
    "DEFAULT_KEY",
    "DEFAULT_SECRET",
    "SANDBOX_PASSKEY",
    "SANDBOX_SHORTCODE",
    "Action",
    "CannotPay",
    "DarajaSimulator",
    "Knobs",
    "Order",
    "Scenario",
    "World",
    "create_simulator",
    "play",
    "read_scenario",
    "world_generator",
]
