"""Who may command an organisation: the SecurityCredential is really decrypted, the operator really locked.

SecurityCredential = base64(RSA PKCS #1 v1.5(password, certificate)), Daraja 2.0 page "Getting Started". The key pair in
`keys/` is made for this simulator, lies open to everybody and protects nothing.
"""

import base64
import binascii
import hmac
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from portal.mpesa.simulator.records import Initiator, Shortcode

_KEYS = Path(__file__).parent / "keys"
CERTIFICATE_FILE = _KEYS / "simulator.cer"
"""The X.509 certificate (PEM) with which a client encrypts an initiator's password for this simulator."""

TRIES = 3


def refuse_initiator(shortcode: Shortcode | None, name: str, credential: str, *, role: str) -> str | None:
    """None when the operator may; else 2001 (name or credential), 8006 (locked, from the third wrong one), 21 (role)."""
    initiator = shortcode.initiators.get(name) if shortcode else None
    if initiator is None:
        return "2001"
    if initiator.is_locked:
        return "8006"
    if not _is_password(initiator, credential):
        initiator.wrong_tries += 1
        initiator.is_locked = initiator.wrong_tries >= TRIES
        return "8006" if initiator.is_locked else "2001"
    initiator.wrong_tries = 0
    return None if role in initiator.roles else "21"


def _is_password(initiator: Initiator, credential: str) -> bool:
    try:
        encrypted = base64.b64decode("".join(credential.split()), validate=True)
        told = _private_key().decrypt(encrypted, padding.PKCS1v15())
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(told, initiator.password.encode())


@cache
def _private_key() -> rsa.RSAPrivateKey:
    key = load_pem_private_key((_KEYS / "simulator.key").read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
