"""`/certificate`: certificates brought in from files, or made and signed by the router itself. No cryptography is done:
a fingerprint is that of the imported bytes, or made up.

Source: MikroTik manual, Certificates (import names its certificates after the file and a number).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from routeros.simulator import traps
from routeros.simulator.calls import Answer, Call
from routeros.simulator.menus.base import ItemMenu
from routeros.simulator.tables import Table
from routeros.simulator.wire import to_bytes

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


class CertificateMenu(ItemMenu):
    """The certificates of one router. `files` is its `/file` table."""

    def __init__(self, table: Table, files: Table) -> None:
        super().__init__(table)
        self._files = files
        self.writers["import"] = self.bring_in
        self.writers["sign"] = self.sign

    def bring_in(self, call: Call) -> Answer:
        """Import the certificates of a PEM file; those already there are passed over."""
        named = self._files.named(call.need("file-name"))
        if not named:
            raise traps.Trap("failure: no such file")
        made = 0
        known = {row.get("fingerprint") for row in self.table}
        stem = call.arguments.get("name") or f"{named[0].get('name').rpartition('/')[2]}_"
        for number, match in enumerate(_CERTIFICATE.finditer(to_bytes(named[0].get("contents")))):
            fingerprint = _fingerprint(match[1])
            if fingerprint is None or fingerprint in known:
                continue
            # `name` is used as it is given for the first; whoever brings a chain gets numbers.
            name = stem if "name" in call.arguments and number == 0 else f"{stem}{number}"
            trusted = call.arguments.get("trusted", "yes")
            row = self.table.add({"name": name, "trusted": "true" if trusted in {"yes", "true"} else "false"})
            row.values["fingerprint"] = fingerprint
            known.add(fingerprint)
            made += 1
        counts = {"certificates-imported": made, "private-keys-imported": 0, "decryption-failures": 0}
        return Answer([{name: str(count) for name, count in counts.items()}])

    def sign(self, call: Call) -> Answer:
        """Sign a template: from then on it is a certificate with a private key."""
        ref = call.need(".id", "number", "numbers")
        row = self.table.find(ref)
        if row is None:
            raise traps.no_such_item()
        if "name" in call.arguments:
            self.table.change(row, {"name": call.arguments["name"]})
        seed = f"{row.id} {row.get('common-name')} {row.get('name')}"
        row.values.update({"fingerprint": hashlib.sha256(seed.encode()).hexdigest(), "private-key": "true"})
        return Answer([{"progress": "done"}])


def _fingerprint(text: bytes) -> str | None:
    try:
        return hashlib.sha256(base64.b64decode(b"".join(text.split()), validate=True)).hexdigest()
    except binascii.Error:
        return None
