"""REST: the API's commands as JSON over HTTP, as RouterOS 7.1 and later serve them under `/rest`."""

from routeros.simulator.rest.server import RestServer

__all__ = ["RestServer"]
