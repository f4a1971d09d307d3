"""TLS of the API port: with the router's certificate, or without one, when only anonymous key exchange is left.

Source: MikroTik manual, API (api-ssl without a certificate). Contexts only; the listener is in `server`.
"""

from __future__ import annotations

import ssl
from typing import Literal

from routeros.simulator.faults import Faults

#: A server context with a certificate; `anonymous`: none is set; None: the port is closed.
Tls = ssl.SSLContext | Literal["anonymous"] | None


def listening_context(tls: ssl.SSLContext | Literal["anonymous"], faults: Faults) -> ssl.SSLContext:
    """Make the context of one router's port: it follows the router's faults, and its certificate may be others' too."""
    front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if tls == "anonymous":
        # Nobody but an anonymous peer agrees to this, and only by lowering its own security level.
        front.maximum_version = ssl.TLSVersion.TLSv1_2
        front.set_ciphers("aNULL:@SECLEVEL=0")

    def begin(talk: ssl.SSLObject, _name: str | None, _front: ssl.SSLContext) -> int | None:
        if faults.tls_handshake_fails:
            return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        if tls != "anonymous":
            talk.context = tls
        return None

    front.sni_callback = begin  # called for every handshake, with or without a name
    return front
