"""Airtel Money on loopback, with virtual phones: for tests and the demo. Never imported by the portal itself."""

from portal.airtel.simulator.server import AirtelSimulator, Wallet

__all__ = ["AirtelSimulator", "Wallet"]
