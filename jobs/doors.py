"""What jobs are given: the doors that lead outside, the keys and the clock. Built in the command line or the app, passed down."""

from dataclasses import dataclass

from jobs.connections import Connections
from jobs.pings import Pings
from portal.clock import Clock
from portal.config import Settings
from portal.gateways.doors import GatewayDoors
from portal.mpesa.doors import MpesaDoors
from portal.rails.doors import RailDoors
from portal.vault import Vault
from portal.webhooks.door import WebhookDoor


@dataclass(frozen=True, slots=True)
class Doors:
    """Everything a job may use besides the database."""

    settings: Settings
    clock: Clock
    vault: Vault
    routers: Connections
    mpesa: MpesaDoors
    rails: RailDoors
    gateways: GatewayDoors
    webhooks: WebhookDoor
    #: None: nobody watches us from outside.
    pings: Pings | None = None
