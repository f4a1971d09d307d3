"""A small RADIUS server for tests, written from the RFCs and sharing no line with the simulator's own client.

It checks every signature it is given, decides by a function of the test, and can send Disconnect and CoA.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SECRET = b"shared"
#: Name to (vendor, number).
NUMBERS = {
    "user": (0, 1), "password": (0, 2), "chap-password": (0, 3), "nas-ip": (0, 4), "nas-port": (0, 5),
    "framed-ip": (0, 8), "filter": (0, 11), "reply": (0, 18), "class": (0, 25), "session-timeout": (0, 27),
    "idle-timeout": (0, 28), "called": (0, 30), "calling": (0, 31), "nas-id": (0, 32), "status": (0, 40),
    "delay": (0, 41), "in": (0, 42), "out": (0, 43), "session": (0, 44), "time": (0, 46), "packets-in": (0, 47),
    "packets-out": (0, 48), "cause": (0, 49), "giga-in": (0, 52), "giga-out": (0, 53), "chap-challenge": (0, 60),
    "port-type": (0, 61), "port-limit": (0, 62), "seal": (0, 80), "interim": (0, 85), "port-id": (0, 87),
    "pool": (0, 88), "error-cause": (0, 101), "recv": (14988, 1), "xmit": (14988, 2), "group": (14988, 3),
    "rate": (14988, 8), "realm": (14988, 9), "host-ip": (14988, 10), "xmit-giga": (14988, 15), "total": (14988, 17),
    "total-giga": (14988, 18), "list": (14988, 19), "location-id": (14122, 1), "location": (14122, 2),
    "logoff": (14122, 3), "redirect": (14122, 4), "max-up": (14122, 7), "max-down": (14122, 8), "until": (14122, 9),
    "ascend": (529, 197), "ascend-xmit": (529, 255), "domain": (311, 10),
}  # fmt: skip
NAMES = {number: name for name, number in NUMBERS.items()}
Told = dict[str, bytes]
Said = Mapping[str, "str | int | bytes"]


def read(data: bytes) -> tuple[int, int, bytes, Told]:
    """Code, identifier, authenticator and the first value of each attribute."""
    code, identifier, length, authenticator = struct.unpack("!BBH16s", data[:20])
    assert length == len(data)
    told: Told = {}
    rest = data[20:]
    while rest:
        number, size = rest[0], rest[1]
        value, rest = rest[2:size], rest[size:]
        kind = (0, number)
        if number == 26:
            kind, value = (struct.unpack("!I", value[:4])[0], value[4]), value[6:]
        told.setdefault(NAMES.get(kind, str(kind)), value)
    return code, identifier, authenticator, told


def written(said: Said) -> bytes:
    """Attributes as bytes."""
    found = b""
    for name, given in said.items():
        vendor, number = NUMBERS[name]
        value = (
            given
            if isinstance(given, bytes)
            else given.encode()
            if isinstance(given, str)
            else struct.pack("!I", given)
        )
        plain = bytes([number, len(value) + 2]) + value
        found += bytes([26, len(plain) + 6]) + struct.pack("!I", vendor) + plain if vendor else plain
    return found


def revealed(hidden: bytes, authenticator: bytes, secret: bytes = SECRET) -> bytes:
    """User-Password in clear."""
    clear, last = b"", authenticator
    for at in range(0, len(hidden), 16):
        block = hidden[at : at + 16]
        mask = hashlib.md5(secret + last).digest()
        clear += bytes(one ^ other for one, other in zip(block, mask, strict=True))
        last = block
    return clear.rstrip(b"\0")


@dataclass
class RadiusServer(asyncio.DatagramProtocol):
    """`users` maps names to passwords; `grants` is what an accept says; `reject` a sentence for all."""

    users: dict[str, str] = field(default_factory=dict)
    grants: Said = field(default_factory=dict[str, "str | int | bytes"])
    reject: str = ""
    secret: bytes = SECRET
    #: How many packets are lost first; whether answers carry a Message-Authenticator; what spoils them.
    lost: int = 0
    is_sealing: bool = True
    spoil: Callable[[bytes], bytes] = bytes
    asked: list[Told] = field(default_factory=list)
    accounts: list[Told] = field(default_factory=list)
    answers: list[tuple[int, Told]] = field(default_factory=list)
    heard: int = 0
    port: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> RadiusServer:
        self.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self.port = self.transport.get_extra_info("sockname")[1]
        return self

    def stop(self) -> None:
        self.transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard += 1
        self.changed.set()
        code, identifier, authenticator, told = read(data)
        if code > 40:
            self.answers.append((code, told))
            return
        if self.lost > 0:
            self.lost -= 1
            return
        if code == 4:
            blank = data[:4] + bytes(16) + data[20:]
            assert hashlib.md5(blank + self.secret).digest() == authenticator
            self.accounts.append(told)
            self._answer(5, identifier, authenticator, {}, addr)
            return
        if "seal" in told:
            at = data.index(told["seal"])
            blank = data[:at] + bytes(16) + data[at + 16 :]
            assert hmac.digest(self.secret, blank, "md5") == told["seal"]
        told["own"] = authenticator
        is_right = self._knows(told, authenticator)
        self.asked.append(told)
        said: Said = self.grants if is_right else {"reply": self.reject} if self.reject else {}
        self._answer(2 if is_right else 3, identifier, authenticator, said, addr)

    def _knows(self, told: Told, authenticator: bytes) -> bool:
        name = told["user"].decode()
        if name not in self.users or self.reject:
            return False
        password = self.users[name].encode()
        if "chap-password" in told:
            proof, challenge = told["chap-password"], told.get("chap-challenge", authenticator)
            return proof[1:] == hashlib.md5(proof[:1] + password + challenge).digest()
        return revealed(told["password"], authenticator, self.secret) == password

    def _answer(self, code: int, identifier: int, authenticator: bytes, said: Said, addr: tuple[str, int]) -> None:
        body = written(said)
        if self.is_sealing and code != 5:
            body = written({"seal": bytes(16)}) + body
            head = struct.pack("!BBH16s", code, identifier, 20 + len(body), authenticator)
            seal = hmac.digest(self.secret, head + body, "md5")
            body = written({"seal": seal}) + body[18:]
        head = struct.pack("!BBH", code, identifier, 20 + len(body))
        sign = hashlib.md5(head + authenticator + body + self.secret).digest()
        self.transport.sendto(self.spoil(head + sign + body), addr)

    async def order(self, code: int, said: Said, *, port: int, secret: bytes | None = None) -> tuple[int, Told] | None:
        """Send a Disconnect (40) or CoA (43); the answer's code and attributes, None when none comes."""
        body, before = written(said), len(self.answers)
        head = struct.pack("!BBH", code, os.urandom(1)[0], 20 + len(body))
        sign = hashlib.md5(head + bytes(16) + body + (secret or self.secret)).digest()
        self.transport.sendto(head + sign + body, ("127.0.0.1", port))
        try:
            async with asyncio.timeout(0.3):
                while len(self.answers) == before:
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            return None
        return self.answers[-1]

    async def told_of(self, count: int) -> list[Told]:
        """Wait until so many accounting packets came."""
        async with asyncio.timeout(3):
            while len(self.accounts) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.accounts
