"""A paused job is paused: what the worker looks for each second, between its slots, waits as well."""

from datetime import timedelta

from jobs import subscribers, vouchers
from jobs.messages import Posting
from portal import job_runs
from portal.db import DB
from tests import factories
from tests.portal.messages.office import Office
from tests.portal.subscribers.village import Village, bills


async def look(office: Office) -> None:
    posting = Posting()
    await posting.look(office.doors)
    await posting.close()


async def test_messages_wait_while_sending_is_paused(office: Office) -> None:
    message = await office.write()
    await job_runs.pause("send-messages", "user:1", why="restored")
    await look(office)
    assert (await office.status(message), office.arrived()) == ("queued", [])
    await job_runs.resume("send-messages", "user:1")
    await look(office)
    assert await office.status(message) == "sent"


async def test_bills_and_reminders_wait_while_they_are_paused(office: Office) -> None:
    village = await Village.founded(office.vault, now=office.clock.now())
    who = await village.moves_in()
    await village.pays(who, 5000)
    office.clock.shift(timedelta(days=40))
    for job in ("bill-subscribers", "remind-payments"):
        await job_runs.pause(job, "user:1")
    await subscribers.proceed_if_due(office.doors)
    assert len(await bills(who)) == 1
    for job in ("bill-subscribers", "remind-payments"):
        await job_runs.resume(job, "user:1")
    await subscribers.proceed_if_due(office.doors)
    assert len(await bills(who)) > 1


async def test_nobody_is_put_off_while_expiry_is_paused(office: Office) -> None:
    package = await factories.package(office.merchant_id)
    now = office.clock.now()
    over = await factories.voucher(
        office.vault, office.merchant_id, package, status="in_use", expires_at=now - timedelta(minutes=1)
    )
    await job_runs.pause("expire-vouchers", "user:1")
    await vouchers.expire_if_due(office.doors)
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", over) == "in_use"
    await job_runs.resume("expire-vouchers", "user:1")
    await vouchers.expire_if_due(office.doors)
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", over) == "expired"
