"""Rows of the past: every attempt as the house itself would have left it in its tables. Pure but for sealing.

What it makes obeys the house's rules: statuses and the moments they need, events for every move, postings that sum to
zero. Writing it down: see `fill`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

import msgspec

from portal import codes, money
from portal.demo.cast import OFFERS, ROUTERS
from portal.demo.past import Attempt
from portal.demo.rows import COLUMNS, Records
from portal.mpesa.simulator import ids
from portal.vault import Vault

_WORDS = {
    "0": "The service request is processed successfully.",
    "1": "The balance is insufficient for the transaction.",
    "1032": "Request cancelled by user",
    "1037": "DS timeout user cannot be reached",
    "2001": "The initiator information is invalid.",
}
#: So many of the newest sales at the router that is away are paid and still wait for it.
_WAITING_THERE = 2
_TO_ONLINE = timedelta(seconds=1.4)


@dataclass(frozen=True, slots=True)
class Shop:
    """The rows the past hangs on. `packages` and `routers` are ids in the order of the cast."""

    merchant_id: int
    account_id: int
    commission_bp: int
    packages: Sequence[int]
    routers: Sequence[int]


@dataclass(slots=True)
class History:
    """Builds the rows, oldest first. `last_ids` are the highest ids in use by table, `taken` the addresses on the
    hotspots; both empty for empty tables."""

    shop: Shop
    vault: Vault
    now: datetime
    last_ids: Mapping[str, int] = field(default_factory=dict[str, int])
    taken: frozenset[str] = frozenset()
    seed: str = "rows"
    #: When somebody sold by hand, in the order of time: each time leaves a payment's number free.
    by_hand: Sequence[datetime] = ()
    records: Records = field(default_factory=lambda: {table: [] for table in COLUMNS})
    _chance: Random = field(init=False)
    _left_free: int = 0
    _online: set[str] = field(default_factory=set[str])
    _addresses: dict[int, int] = field(default_factory=lambda: defaultdict(lambda: 254))

    def __post_init__(self) -> None:
        self._chance = Random(f"kilimani {self.seed}")  # noqa: S311  (a made-up past, not a secret)

    def write(self, attempts: Sequence[Attempt]) -> Records:
        """All rows of these attempts."""
        waiting = self._waiting(attempts)
        for attempt in attempts:
            payment_id = self._attempt(attempt)
            if attempt.failure is None:
                self._sold(attempt, payment_id, is_waiting=attempt in waiting)
        told = sorted(self.records["events"], key=_when)
        first = self.last_ids.get("events", 0) + 1
        self.records["events"] = [(number, *row[1:]) for number, row in enumerate(told, start=first)]
        return self.records

    @staticmethod
    def _waiting(attempts: Sequence[Attempt]) -> list[Attempt]:
        away = {place for place, router in enumerate(ROUTERS) if not router.is_online}
        paid = [attempt for attempt in attempts if attempt.router in away and attempt.failure is None]
        return paid[-_WAITING_THERE:]

    # -- paying ------------------------------------------------------------------------------------------------

    def _attempt(self, attempt: Attempt) -> int:
        while self._left_free < len(self.by_hand) and self.by_hand[self._left_free] < attempt.at:
            self._left_free += 1
        offer, number = OFFERS[attempt.offer], self._next_id("checkouts") + self._left_free
        voucher_id = None if attempt.failure else self._next_id("vouchers")
        self._add(
            "checkouts", number, self.shop.merchant_id, self.shop.routers[attempt.router],
            self.shop.packages[attempt.offer], voucher_id, self._hex(32), self._hex(16), attempt.buyer.phone,
            attempt.buyer.mac, self._address(attempt), offer.price_cents, self.shop.commission_bp,
            offer.terms.encode(), attempt.at,
        )  # fmt: skip
        code = attempt.failure or "0"
        submitted, answered = attempt.at + timedelta(seconds=0.2), attempt.at + attempt.answer
        receipt = None if attempt.failure else ids.receipt(answered, self._chance.getrandbits(36))
        request = ids.checkout_request_id(submitted, attempt.buyer.phone)
        merchant_request = ids.request_id(self._chance, 1000 + number)
        self._add(
            "payments", number, self.shop.merchant_id, number, self.shop.account_id,
            "failed" if attempt.failure else "paid", offer.price_cents, None if attempt.failure else offer.price_cents,
            attempt.buyer.phone, self._reference(), self._hex(32), merchant_request, request, receipt, code,
            _WORDS[code], attempt.at, submitted, None if attempt.failure else answered, 1,
        )  # fmt: skip
        self._callback(number, code, (merchant_request, request), receipt=receipt, attempt=attempt)
        self._event("payments", number, "submit", "created", "submitting", at=submitted, actor="worker")
        self._event("payments", number, "accept", "submitting", "pending", at=submitted, actor="mpesa")
        name, became = ("fail", "failed") if attempt.failure else ("pay", "paid")
        self._event("payments", number, name, "pending", became, at=answered, actor="stk", code=code)
        return number

    def _callback(
        self, payment_id: int, code: str, requests: tuple[str, str], *, receipt: str | None, attempt: Attempt
    ) -> None:
        told = {
            "MerchantRequestID": requests[0],
            "CheckoutRequestID": requests[1],
            "ResultCode": int(code),
            "ResultDesc": _WORDS[code],
        }
        at = attempt.at + attempt.answer
        if receipt:
            items = {
                "Amount": OFFERS[attempt.offer].price_cents // 100,
                "MpesaReceiptNumber": receipt,
                "TransactionDate": int(ids.eat_stamp(at)),
                "PhoneNumber": int(attempt.buyer.phone),
            }
            metadata = {"Item": [{"Name": name, "Value": value} for name, value in items.items()]}
            body = msgspec.json.encode({"Body": {"stkCallback": told | {"CallbackMetadata": metadata}}})
        else:
            body = msgspec.json.encode({"Body": {"stkCallback": told}})
        self._add(
            "callbacks", self._next_id("callbacks"), self.shop.merchant_id, payment_id, body, sha256(body).digest(),
            "127.0.0.1", True, at, at, "sold" if receipt else "failed",
        )  # fmt: skip

    # -- what was bought ---------------------------------------------------------------------------------------

    def _sold(self, attempt: Attempt, payment_id: int, *, is_waiting: bool) -> None:
        offer, paid_at = OFFERS[attempt.offer], attempt.at + attempt.answer
        self._post(payment_id, offer.price_cents, at=paid_at)
        voucher_id, terms = self._next_id("vouchers"), offer.terms.encode()
        started = None if is_waiting else paid_at + _TO_ONLINE
        expires = None if started is None else offer.terms.usage_deadline(paid_at=paid_at, started_at=started)
        is_over = expires is not None and expires <= self.now
        status = "paid" if started is None else "expired" if is_over else "in_use"
        code = codes.voucher_code(choose=self._chance.choice)
        self._add(
            "vouchers", voucher_id, self.shop.merchant_id, self.shop.packages[attempt.offer],
            self.shop.routers[attempt.router], self.vault.code_hash(code),
            self.vault.seal("vouchers", "code_sealed", row_id=voucher_id, plaintext=code), self._reference(), status,
            offer.price_cents, terms, paid_at, paid_at, started, expires, expires if is_over else None,
            "usage" if is_over else None,
        )  # fmt: skip
        if started is not None:
            self._event("vouchers", voucher_id, "start", "paid", "in_use", at=started, actor="job:sync-routers")
        if is_over and expires is not None:
            self._event("vouchers", voucher_id, "expire", "in_use", "expired", at=expires, actor="job:expire-vouchers")
        self._grant(attempt, voucher_id, paid_at=paid_at, started=started, expires=expires)

    def _grant(
        self, attempt: Attempt, voucher_id: int, *, paid_at: datetime, started: datetime | None,
        expires: datetime | None,
    ) -> None:  # fmt: skip
        grant_id, mac = self._next_id("access_grants"), attempt.buyer.mac
        # A phone that waits is there now: two of them never share an address.
        ip = self._own_address(attempt) if started is None else self._address(attempt)
        uptime_s = traffic = 0
        if started is not None and expires is not None:
            ip, uptime_s, traffic = self._session(attempt, grant_id, started=started, expires=expires)
        ended = expires + timedelta(seconds=1.5) if expires is not None and expires <= self.now else None
        status = "wanted" if started is None else "gone" if ended else "present"
        waits = (paid_at, None) if started is None else (None, started)
        tries, again, error = (4, self.now, "No answer from the router") if started is None else (0, None, None)
        sealed = self.vault.seal("access_grants", "password_sealed", row_id=grant_id, plaintext=self._hex(16))
        self._add(
            "access_grants", grant_id, self.shop.merchant_id, self.shop.routers[attempt.router], voucher_id, status,
            f"vocha-{self._hex(8)}", sealed, mac, ip, OFFERS[attempt.offer].terms.encode(), *waits, uptime_s, traffic,
            tries, again, error, paid_at, ended,
        )  # fmt: skip
        by = "job:sync-routers"
        if started is not None:
            self._event("access_grants", grant_id, "appear", "wanted", "present", at=started, actor=by)
        if ended and expires is not None:
            self._event("access_grants", grant_id, "end", "present", "ending", at=expires, actor="job:expire-vouchers")
            self._event("access_grants", grant_id, "leave", "ending", "gone", at=ended, actor=by)

    def _session(
        self, attempt: Attempt, grant_id: int, *, started: datetime, expires: datetime
    ) -> tuple[str, int, int]:
        """The device on the router: its address, seconds and bytes. Who is in now keeps an address of its own."""
        lasts = expires - started
        is_on = self._is_on_now(attempt, started=started, expires=expires)
        if is_on:
            # Whoever bought days ago came back some time today.
            since = max(started, self.now - timedelta(hours=0.2 + 5 * attempt.draw))
            ip, ended, uptime_s = self._own_address(attempt), None, int((self.now - since).total_seconds())
        else:
            since, ip = started, self._address(attempt)
            ended = min(started + lasts * attempt.presence, self.now - timedelta(minutes=4 + 40 * attempt.draw))
            ended = max(ended, started + timedelta(seconds=20))
            uptime_s = int((ended - since).total_seconds())
        down = int(uptime_s * (9_000 + 160_000 * attempt.draw))
        up = down // 11
        self._add(
            "hotspot_sessions", self._next_id("hotspot_sessions"), self.shop.merchant_id,
            self.shop.routers[attempt.router], grant_id, attempt.buyer.mac, ip, since, ended or self.now, ended,
            uptime_s, up, down,
        )  # fmt: skip
        return ip, uptime_s, up + down

    def _is_on_now(self, attempt: Attempt, *, started: datetime, expires: datetime) -> bool:
        """Who bought an hour uses it; of those with days left, some are here."""
        if expires <= self.now or not ROUTERS[attempt.router].is_online or attempt.buyer.mac in self._online:
            return False
        is_short = expires - started <= timedelta(hours=3)
        is_on = attempt.draw < (0.85 if is_short else 0.5)
        if is_on:
            self._online.add(attempt.buyer.mac)
        return is_on

    # -- money -------------------------------------------------------------------------------------------------

    def _post(self, payment_id: int, cents: int, *, at: datetime) -> None:
        fee = money.commission(cents, self.shop.commission_bp)
        posting_id = self._next_id("ledger_postings")
        self._add("ledger_postings", posting_id, self.shop.merchant_id, payment_id, "sale", None, "", at)
        for account, amount in {"mpesa_clearing": cents, "merchant_payable": fee - cents, "commission": -fee}.items():
            if amount:
                entry_id = self._next_id("ledger_entries")
                self._add("ledger_entries", entry_id, posting_id, self.shop.merchant_id, account, amount)

    # -- small things ------------------------------------------------------------------------------------------

    def _event(
        self, entity: str, row_id: int, name: str, was: str, became: str, *, at: datetime, actor: str, code: str = ""
    ) -> None:
        data = f'{{"code": "{code}"}}' if code else "{}"
        self._add("events", 0, self.shop.merchant_id, entity, row_id, name, was, became, actor, data, at)

    def _add(self, table: str, *values: object) -> None:
        self.records[table].append(values)

    def _next_id(self, table: str) -> int:
        return self.last_ids.get(table, 0) + len(self.records[table]) + 1

    def _hex(self, size: int) -> str:
        return self._chance.randbytes(size).hex()

    def _reference(self) -> str:
        return codes.payment_reference(choose=self._chance.choice)

    def _address(self, attempt: Attempt) -> str:
        """An address of the past, out of the range of those who are here now."""
        return f"{ROUTERS[attempt.router].network}{60 + int(attempt.draw * 40)}"

    def _own_address(self, attempt: Attempt) -> str:
        """From the top of the network down, where the simulated DHCP server comes last."""
        network = ROUTERS[attempt.router].network
        while (address := f"{network}{self._addresses[attempt.router]}") in self.taken:
            self._addresses[attempt.router] -= 1
        self._addresses[attempt.router] -= 1
        return address


def _when(event: tuple[object, ...]) -> datetime:
    at = event[-1]
    if not isinstance(at, datetime):
        raise TypeError("an event ends with its moment")
    return at
