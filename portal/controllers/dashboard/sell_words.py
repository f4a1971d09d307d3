"""Words of the sell screen: how a request to a phone stands, and why it was not paid."""

from collections.abc import Mapping

from portal.mpesa.sentences import PUSHES
from portal.msgid import N_

#: Status of the request → headline, and what to do meanwhile.
ASKED_SAYS: Mapping[str, tuple[str, str]] = {
    "created": (N_("Sending the request"), N_("It reaches the phone in a few seconds.")),
    "submitting": (N_("Sending the request"), N_("It reaches the phone in a few seconds.")),
    "pending": (
        N_("Waiting for the PIN"),
        N_("The customer types the M‑PESA PIN on the phone. You can leave this page."),
    ),
    "unknown": (N_("M‑PESA has not answered yet"), N_("Take no cash yet: we ask M‑PESA by ourselves.")),
}
#: Daraja's result → why it was not paid.
REFUSED_SAYS: Mapping[str, str] = PUSHES
#: What a shop writes to a customer by WhatsApp.
MESSAGE = N_("%(shop)s: your Wi-Fi code is %(code)s for %(package)s. Join our Wi-Fi and type it there.")
