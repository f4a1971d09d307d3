"""RADIUS packets as bytes: encoding, decoding, and the four ways they are signed. Pure.

Source: RFC 2865 (authentication), RFC 2866 (accounting), RFC 2869 (Message-Authenticator), RFC 5176 (Disconnect, CoA).
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, replace

REQUEST, ACCEPT, REJECT, ACCOUNTING, ACCOUNTED, CHALLENGE = 1, 2, 3, 4, 5, 11
DISCONNECT, DISCONNECT_ACK, DISCONNECT_NAK, COA, COA_ACK, COA_NAK = 40, 41, 42, 43, 44, 45
MESSAGE_AUTHENTICATOR = 80
_VENDOR_SPECIFIC = 26
_HEAD = struct.Struct("!BBH16s")
_NOTHING = bytes(16)
_LONGEST = 4096

#: Vendor (0: none), number, value.
Attribute = tuple[int, int, bytes]


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. `authenticator` is 16 bytes; attributes keep their order and may repeat."""

    code: int
    identifier: int
    authenticator: bytes
    attributes: tuple[Attribute, ...] = ()

    def value(self, number: int, vendor: int = 0) -> bytes | None:
        """Return the first value of an attribute."""
        return next((value for owner, its, value in self.attributes if (owner, its) == (vendor, number)), None)

    def encode(self) -> bytes:
        """Return the bytes. Raises ValueError for what does not fit."""
        body = b"".join(_encoded(attribute) for attribute in self.attributes)
        if len(body) + _HEAD.size > _LONGEST:
            raise ValueError("a RADIUS packet has at most 4096 bytes")
        return _HEAD.pack(self.code, self.identifier, _HEAD.size + len(body), self.authenticator) + body


def decode(data: bytes) -> Packet:
    """Read a packet; bytes behind its own length are padding. Raises ValueError."""
    if len(data) < _HEAD.size:
        raise ValueError("too short for a RADIUS packet")
    code, identifier, length, authenticator = _HEAD.unpack_from(data)
    if not _HEAD.size <= length <= min(len(data), _LONGEST):
        raise ValueError("the length does not fit")
    return Packet(code, identifier, authenticator, tuple(_attributes(data[_HEAD.size : length])))


def _attributes(data: bytes, vendor: int = 0) -> list[Attribute]:
    found: list[Attribute] = []
    while data:
        if len(data) < 2 or not 2 <= data[1] <= len(data):
            raise ValueError("an attribute's length does not fit")
        number, value, data = data[0], data[2 : data[1]], data[data[1] :]
        if number == _VENDOR_SPECIFIC and not vendor and len(value) > 4:
            found += _attributes(value[4:], int.from_bytes(value[:4], "big"))
        else:
            found.append((vendor, number, value))
    return found


def _encoded(attribute: Attribute) -> bytes:
    vendor, number, value = attribute
    if len(value) > (247 if vendor else 253):
        raise ValueError("an attribute's value is too long")
    plain = bytes((number, len(value) + 2)) + value
    return bytes((_VENDOR_SPECIFIC, len(plain) + 6)) + vendor.to_bytes(4, "big") + plain if vendor else plain


def hide_password(password: bytes, *, secret: bytes, authenticator: bytes) -> bytes:
    """Return User-Password as it travels: 16 to 128 bytes (RFC 2865, 5.2)."""
    padded = password[:128].ljust(max(16, -(-len(password[:128]) // 16) * 16), b"\0")
    hidden, last = b"", authenticator
    for at in range(0, len(padded), 16):
        mask = _md5(secret + last)
        last = bytes(one ^ other for one, other in zip(padded[at : at + 16], mask, strict=True))
        hidden += last
    return hidden


def sealed(packet: Packet, secret: bytes) -> Packet:
    """Put a Message-Authenticator in front: of an Access-Request, whose authenticator is already its own."""
    empty = replace(packet, attributes=((0, MESSAGE_AUTHENTICATOR, _NOTHING), *packet.attributes))
    digest = hmac.digest(secret, empty.encode(), "md5")
    return replace(packet, attributes=((0, MESSAGE_AUTHENTICATOR, digest), *packet.attributes))


def signed(packet: Packet, secret: bytes) -> Packet:
    """Sign an Accounting-Request, Disconnect or CoA by its authenticator."""
    return replace(packet, authenticator=_md5(replace(packet, authenticator=_NOTHING).encode() + secret))


def answered(request: Packet, code: int, attributes: tuple[Attribute, ...], secret: bytes) -> Packet:
    """Make the signed answer to a request."""
    answer = Packet(code, request.identifier, request.authenticator, attributes)
    return replace(answer, authenticator=_md5(answer.encode() + secret))


def is_signed(packet: Packet, secret: bytes) -> bool:
    """Say whether a Disconnect or CoA comes from somebody who knows the secret."""
    if not hmac.compare_digest(signed(packet, secret).authenticator, packet.authenticator):
        return False
    return is_sealed(packet, secret, authenticator=_NOTHING) is not False


def is_answer(packet: Packet, request: Packet, secret: bytes, *, needs_seal: bool) -> bool:
    """Say whether a packet is the server's answer to a request. `needs_seal`: it must carry a Message-Authenticator."""
    expected = _md5(replace(packet, authenticator=request.authenticator).encode() + secret)
    if not hmac.compare_digest(expected, packet.authenticator):
        return False
    found = is_sealed(packet, secret, authenticator=request.authenticator)
    return found is True or (found is None and not needs_seal)


def is_sealed(packet: Packet, secret: bytes, *, authenticator: bytes) -> bool | None:
    """Check the Message-Authenticator, computed over the packet with this authenticator; None without one."""
    seal = packet.value(MESSAGE_AUTHENTICATOR)
    if seal is None:
        return None
    emptied = tuple(
        (vendor, number, _NOTHING if (vendor, number) == (0, MESSAGE_AUTHENTICATOR) else value)
        for vendor, number, value in packet.attributes
    )
    blank = replace(packet, authenticator=authenticator, attributes=emptied)
    return hmac.compare_digest(hmac.digest(secret, blank.encode(), "md5"), seal)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
