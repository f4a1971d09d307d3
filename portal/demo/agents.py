"""The demo shop's agents: Mary at the market, who pays later and signs in, and a kiosk that pays in advance. Made by the verbs the
pages use."""

from datetime import datetime

from portal import identity, passwords
from portal.agents import counter, moneys, people, stock
from portal.agents.people import Draft
from portal.db import DB, atomic
from portal.demo.cast import OWNER, Person
from portal.identity import Actor, Role
from portal.vault import Vault

MARY = Person("Mary N.", "mary@kilimani.example", "mary-demo", "cashier")
_SOLD = 7


async def send_out(vault: Vault, *, now: datetime) -> None:
    """Two agents with cards, sales and money, once: nothing when there is one, or no batch to give from."""
    row = await DB.row(
        """SELECT u.id, u.name, m.merchant_id,
                  (SELECT min(b.id) FROM batches b WHERE b.merchant_id = m.merchant_id AND b.kind = 'cash' AND b.size >= 100) AS batch_id
           FROM users u JOIN memberships m ON m.user_id = u.id
           WHERE u.email = $1 AND NOT EXISTS (SELECT FROM agents a WHERE a.merchant_id = m.merchant_id)""",
        OWNER.email,
    )
    if row is None or row["batch_id"] is None:
        return
    owner = Actor(
        user_id=row["id"],
        merchant_id=row["merchant_id"],
        role=Role.OWNER,
        is_operator=False,
        name=row["name"],
        email=OWNER.email,
    )
    user_id, batch = await _hire(row["merchant_id"], now=now), str(row["batch_id"])
    draft = Draft(
        name="Mary, market stall", phone="0722345678", commission="10", terms="limit", limit="5000", user=str(user_id)
    )
    mary = await people.make(owner, draft, form_key=None, now=now)
    draft = Draft(name="Kiosk at the stage", phone="0733456789", commission="8", terms="advance")
    kiosk = await people.make(owner, draft, form_key=None, now=now)
    await moneys.take(
        owner, kiosk, how="cash", amount="1000", receipt="", note_text="For the first cards", form_key=None, now=now
    )
    await stock.allot(owner, mary, batch=batch, count="50", first="", form_key=None, now=now)
    await stock.allot(owner, kiosk, batch=batch, count="20", first="", form_key=None, now=now)
    seller = Actor(
        user_id=user_id, merchant_id=row["merchant_id"], role=Role.CASHIER, is_operator=False, name=MARY.name, email=MARY.email,
        agent_id=mary,
    )  # fmt: skip
    package_id = (await counter.stock_of(seller))[0].package_id
    for nth in range(_SOLD):
        await counter.sell(seller, package_id, form_key=f"demo{nth}", vault=vault, now=now)
    await moneys.take(
        owner, mary, how="cash", amount="200", receipt="", note_text="At the market", form_key=None, now=now
    )


async def _hire(merchant_id: int, *, now: datetime) -> int:
    """Mary's sign-in."""
    hashed = await passwords.hash_password(MARY.password)
    async with atomic() as tx:
        user_id = await identity.add_user(tx, MARY.email, MARY.name, password_hash=hashed, now=now)
        await identity.join(tx, user_id, merchant_id, role=Role.CASHIER)
        return user_id
