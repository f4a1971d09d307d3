"""A simulator on loopback with a clock that stands still, a merchant that hears callbacks, and a caller of Daraja."""

import asyncio
import base64
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from portal.mpesa.simulator import (
    CERTIFICATE_FILE,
    DEFAULT_INITIATOR,
    DEFAULT_INITIATOR_PASSWORD,
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    SANDBOX_SHORTCODE,
    DarajaSimulator,
    World,
)
from portal.mpesa.simulator.records import Push

PHONE = "254712345678"
OTHER_PHONE = "254110345678"


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 9, 30, 15, 123_000, tzinfo=UTC)


@dataclass
class Heard:
    """One callback as it came over the wire."""

    request_line: str
    headers: list[str]
    body: bytes
    peer: str

    @property
    def path(self) -> str:
        return self.request_line.split(" ")[1]

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.body)["Body"]["stkCallback"]

    @property
    def items(self) -> dict[str, Any]:
        return {item["Name"]: item.get("Value") for item in self.message["CallbackMetadata"]["Item"]}


@dataclass
class Merchant:
    """A plain socket server, so that header case and path are seen as sent. `answers` are used up, then 200."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    #: Bodies by path, sent with 200 where no answer is queued.
    replies: dict[str, bytes] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    delay_seconds: float = 0
    open_at_once: int = 0
    most_at_once: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *headers = head.strip().split("\r\n")
            length = next((int(h.split(":")[1]) for h in headers if h.lower().startswith("content-length:")), 0)
            body = await reader.readexactly(length)
            self.heard.append(Heard(line, headers, body, writer.get_extra_info("peername")[0]))
            self.open_at_once += 1
            self.most_at_once = max(self.most_at_once, self.open_at_once)
            if self.hold:
                await self.hold.wait()
            await asyncio.sleep(self.delay_seconds)
            reply = self.replies.get(self.heard[-1].path, b"")
            good = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(reply)
            answer = self.answers.pop(0) if self.answers else good
            # A queued answer that tells no length may carry the reply too: it ends with the connection.
            reply = reply if answer is good or b"Content-Length" not in answer else b""
            writer.write(answer + b"Connection: close\r\n\r\n" + reply)
            await writer.drain()
            self.open_at_once -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass
class Caller:
    """What a client of Daraja does, without a client's kindness."""

    http: httpx.AsyncClient
    world: World
    merchant: Merchant
    bearer: str = ""

    async def token(self, **options: Any) -> httpx.Response:
        options.setdefault("auth", (DEFAULT_KEY, DEFAULT_SECRET))
        options.setdefault("params", {"grant_type": "client_credentials"})
        return await self.http.get("/oauth/v1/generate", **options)

    def stamp(self) -> dict[str, Any]:
        stamp = "20261120123015"
        password = base64.b64encode(f"174379{SANDBOX_PASSKEY}{stamp}".encode()).decode()
        return {"BusinessShortCode": 174379, "Password": password, "Timestamp": stamp}

    def fields(self, **changes: Any) -> dict[str, Any]:
        """A good push; a change to None leaves the field out."""
        phone = changes.get("PhoneNumber", PHONE)
        body = self.stamp() | {
            "TransactionType": "CustomerPayBillOnline",
            "Amount": "25",
            "PartyA": phone,
            "PartyB": "174379",
            "PhoneNumber": phone,
            "CallBackURL": self.merchant.url + "/callback/abc",
            "AccountReference": "VK7Q2",
            "TransactionDesc": "WiFi",
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        if not self.bearer:
            self.bearer = (await self.token()).json()["access_token"]
        return await self.http.post(path, json=body, headers={"Authorization": f"Bearer {self.bearer}"})

    async def push(self, **changes: Any) -> httpx.Response:
        return await self.post("/mpesa/stkpush/v1/processrequest", self.fields(**changes))

    async def pushed(self, **changes: Any) -> Push:
        answer = await self.push(**changes)
        assert answer.status_code == 200, answer.text
        return self.world.pushes[answer.json()["CheckoutRequestID"]]

    async def register(self, version: str = "v2", **changes: Any) -> httpx.Response:
        """C2B URLs at the merchant: /confirm and /validate."""
        body = {
            "ShortCode": "174379",
            "ResponseType": "Completed",
            "ConfirmationURL": self.merchant.url + "/confirm",
            "ValidationURL": self.merchant.url + "/validate",
        }
        body = {name: value for name, value in (body | changes).items() if value is not None}
        return await self.post(f"/mpesa/c2b/{version}/registerurl", body)

    async def command(self, path: str, **fields: Any) -> httpx.Response:
        """An asynchronous command with a good credential and the merchant's two addresses."""
        body = {
            "Initiator": DEFAULT_INITIATOR,
            "InitiatorName": DEFAULT_INITIATOR,
            "SecurityCredential": credential(),
            "QueueTimeOutURL": self.merchant.url + "/timeout",
            "ResultURL": self.merchant.url + "/result",
            "Remarks": "test",
        }
        return await self.post(path, {name: value for name, value in (body | fields).items() if value is not None})

    async def query(self, checkout_request_id: str, **changes: Any) -> httpx.Response:
        body = self.stamp() | {"CheckoutRequestID": checkout_request_id} | changes
        return await self.post("/mpesa/stkpushquery/v1/query", body)


def credential(password: str = DEFAULT_INITIATOR_PASSWORD) -> str:
    """A SecurityCredential as a careful client makes it, from the certificate and nothing else."""
    key = x509.load_pem_x509_certificate(CERTIFICATE_FILE.read_bytes()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return base64.b64encode(key.encrypt(password.encode(), padding.PKCS1v15())).decode()


@pytest.fixture(scope="session")
async def shared_sim() -> AsyncIterator[DarajaSimulator]:
    async with DarajaSimulator(World(clock=StoppedClock(), seed=7)) as running:
        yield running


@pytest.fixture
async def sim(shared_sim: DarajaSimulator) -> DarajaSimulator:
    """One server for all tests, with a world like new for each; do not stop it."""
    world = shared_sim.world
    world.apps.clear()
    world.shortcodes.clear()
    world.add_app(DEFAULT_KEY, DEFAULT_SECRET)
    world.add_shortcode(SANDBOX_SHORTCODE, passkey=SANDBOX_PASSKEY, name="KILIMANI CORNER")
    world.add_initiator(SANDBOX_SHORTCODE, DEFAULT_INITIATOR, DEFAULT_INITIATOR_PASSWORD)
    world.log = deque(maxlen=500)
    world.reset()
    return shared_sim


@pytest.fixture
async def own_sim() -> AsyncIterator[DarajaSimulator]:
    """A simulator that the test may stop."""
    async with DarajaSimulator(World.sandbox(clock=StoppedClock(), seed=7)) as running:
        yield running


async def becomes_true(is_true: Callable[[], bool], *, seconds: float = 3) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(seconds):
        while not is_true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    merchant = Merchant()
    server = await asyncio.start_server(merchant.serve, "127.0.0.1", 0)
    merchant.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield merchant
    if merchant.hold:
        merchant.hold.set()
    server.close()
    await server.wait_closed()


@pytest.fixture
async def caller(sim: DarajaSimulator, merchant: Merchant) -> AsyncIterator[Caller]:
    async with httpx.AsyncClient(base_url=sim.url, trust_env=False, verify=False, timeout=5) as http:
        yield Caller(http, sim.world, merchant)


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, errorCode and errorMessage; the shape must be Daraja's."""
    body = answer.json()
    assert set(body) == {"requestId", "errorCode", "errorMessage"}
    return answer.status_code, body["errorCode"], body["errorMessage"]
