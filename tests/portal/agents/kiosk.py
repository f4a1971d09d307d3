"""An agent with cards, for tests."""

from dataclasses import dataclass

from portal import voucher_entry
from portal.agents import people, stock
from portal.agents.people import Draft
from portal.db import DB
from portal.devices import hint
from portal.identity import Actor, Role
from tests import factories
from tests.portal.payments.stall import Stall, actor
from tests.portal.vouchers.shelf import made_of, open_code


@dataclass
class Kiosk:
    """Cards of KES 10 at 20 % to the platform; the agent keeps 10 %."""

    stall: Stall
    agent_id: int
    batch_id: int

    @staticmethod
    async def opened(stall: Stall, *, terms: str = "open", limit: str = "", cards: int = 10) -> "Kiosk":
        draft = Draft(name="Mary", phone="0722345678", commission="10", terms=terms, limit=limit)
        agent_id = await people.make(stall.owner, draft, form_key="k1", now=stall.clock.now())
        return Kiosk(stall, agent_id, await made_of(stall, cards, kind="cash"))

    async def give(self, count: int, *, first: str = "", key: str | None = None) -> int:
        """Give the next cards; the allotment."""
        return await stock.allot(
            self.stall.owner, self.agent_id, batch=str(self.batch_id), count=str(count), first=first, form_key=key,
            now=self.stall.clock.now(),
        )  # fmt: skip

    async def cards(self, allotment: int) -> list[int]:
        """Vouchers that are in hand."""
        rows = await DB.fetch(
            "SELECT id FROM vouchers WHERE allotment_id = $1 AND status = 'unsold' ORDER BY id", allotment
        )
        return [row["id"] for row in rows]

    async def use(self, voucher_id: int, mac: str = "02:11:22:33:44:66") -> None:
        """A customer who bought the card types its code."""
        stall, device = self.stall, hint(mac, "10.5.50.8")
        code = await open_code(stall, voucher_id)
        await voucher_entry.redeem(stall.router, code, device, vault=stall.vault, now=stall.clock.now())

    async def owes(self) -> int:
        """What the ledger says the agent owes."""
        return await DB.value(
            "SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_entries WHERE agent_id = $1 AND account = 'agents'",
            self.agent_id,
        )

    async def signed_in(self) -> Actor:
        """The agent with a sign-in."""
        user = await factories.user("mary@example.com", self.stall.merchant_id, role="cashier", name="Mary")
        await DB.fetch("UPDATE agents SET user_id = $2 WHERE id = $1", self.agent_id, user)
        plain = actor(self.stall.merchant_id, role=Role.CASHIER, user_id=user)
        return Actor(
            user_id=plain.user_id, merchant_id=plain.merchant_id, role=plain.role, is_operator=False, name="Mary",
            email=plain.email, agent_id=self.agent_id,
        )  # fmt: skip
