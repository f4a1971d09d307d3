"""X25519, as far as a simulated WireGuard interface needs it: a private key's public key. Text is base64.

Source: RFC 7748, section 5. Plain arithmetic, open to timing attacks: for keys of simulated routers only.
"""

import base64
import secrets

_P = 2**255 - 19
_A24 = 121665
_BASE = 9


def new_private_key() -> str:
    """Make a private key as `wg genkey` does: 32 random bytes, clamped."""
    raw = bytearray(secrets.token_bytes(32))
    raw[0] &= 248
    raw[31] = raw[31] & 127 | 64
    return base64.b64encode(bytes(raw)).decode()


def public_key(private_key: str) -> str:
    """Give the public key of a private one. Raises ValueError for anything but 32 bytes in base64."""
    return base64.b64encode(_multiply(decode_key(private_key), _BASE)).decode()


def decode_key(text: str) -> bytes:
    """Read a key of either kind. Raises ValueError."""
    raw = base64.b64decode(text, validate=True)
    if len(raw) != 32:
        raise ValueError("a WireGuard key has 32 bytes")
    return raw


def _multiply(scalar: bytes, u: int) -> bytes:
    """The Montgomery ladder of RFC 7748."""
    clamped = int.from_bytes(scalar, "little") & ~7 & ~(1 << 255) | (1 << 254)
    x2, z2, x3, z3 = 1, 0, u, 1
    is_swapped = 0
    for at in range(254, -1, -1):
        bit = clamped >> at & 1
        if bit != is_swapped:
            x2, x3, z2, z3 = x3, x2, z3, z2
        is_swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % _P, b * b % _P, d * a % _P, c * b % _P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % _P, u * (da - cb) ** 2 % _P
        x2, z2 = aa * bb % _P, e * (aa + _A24 * e) % _P
    if is_swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, _P - 2, _P) % _P).to_bytes(32, "little")
