"""Paystack on loopback, with its page to pay on: for tests and the demo. Never imported by the portal itself."""

from portal.paystack.simulator.server import PaystackSimulator

__all__ = ["PaystackSimulator"]
