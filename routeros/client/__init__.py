"""Door 3: HotspotRouter, the verbs we ask of a MikroTik. `link` is the connection, `router` the verbs.

The only code that imports librouteros.
"""

from routeros.client.budget import Budget
from routeros.client.router import HotspotRouter

__all__ = ["Budget", "HotspotRouter"]
