"""The network of a simulated hotspot as an HTTP forward proxy on loopback. Public: HotspotNetwork, Phone."""

from routeros.simulator.proxy.network import HotspotNetwork
from routeros.simulator.proxy.phones import Phone

__all__ = ["HotspotNetwork", "Phone"]
