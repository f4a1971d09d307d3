"""Messages to people: written into an outbox by `write`, sent by `portal.messages.sending`. How they leave: `portal.gateways`."""

from portal.messages.kinds import SENTENCES, TO_SHOP, Channel, Told
from portal.messages.outbox import Letter, write

__all__ = ["SENTENCES", "TO_SHOP", "Channel", "Letter", "Told", "write"]
