"""What concerns the shop reaches its people by every way they chose, each copy once."""

from portal.db import DB
from portal.messages import Channel, Letter, Told, people
from tests.portal.messages.office import Office

PARAMS = {"amount": "KES 50", "receipt": "TKL4H7T2QX"}


async def test_it_goes_by_every_way_that_was_chosen(office: Office) -> None:
    await office.choose(shop_phone="254711000111", shop_email="shop@k.test", shop_chat="42")
    message = await office.write(Told.SHOP_EXTRA, "1", phone=None, params=PARAMS)
    await office.turn(2)
    assert await office.status(message) == "split"
    assert {letter.channel: letter.to for letter in office.sim.letters.all()} == {
        "sms": "254711000111", "email": "shop@k.test", "telegram": "42",
    }  # fmt: skip
    assert await people.split(message, now=office.clock.now()) == 0, "split once"
    assert await DB.value("SELECT count(*) FROM messages WHERE parent_id = $1", message) == 3


async def test_who_chose_nothing_gets_mail_at_the_owners_address(office: Office) -> None:
    await office.write(Told.SHOP_EXTRA, "1", phone=None, params=PARAMS)
    await office.turn()
    [letter] = office.sim.letters.all()
    assert (letter.channel, letter.to, letter.subject) == ("email", "amina@kilimani.test", "Kilimani Corner")


async def test_a_letter_is_a_mail_and_its_sentence_is_an_sms(office: Office) -> None:
    await office.choose(shop_phone="254711000111", shop_email="shop@k.test")
    letter = Letter(subject="Your week", text="long text", html="<p>long</p>")
    await office.write(Told.SHOP_EXTRA, "1", phone=None, params=PARAMS, letter=letter)
    await office.turn()
    assert office.arrived("email")[0].text == "long text"
    assert "already paid" in office.arrived("sms")[0].text


async def test_one_way_may_be_named_and_nobody_at_all_is_dropped(office: Office) -> None:
    await office.choose(shop_phone="254711000111", shop_email="shop@k.test")
    await office.write(Told.SHOP_EXTRA, "1", phone=None, params=PARAMS, channel=Channel.EMAIL)
    await office.turn()
    assert [one.channel for one in office.sim.letters.all()] == ["email"]
    await DB.fetch("UPDATE message_settings SET shop_phone = '', shop_email = ''")
    nobody = await office.write(Told.SHOP_EXTRA, "2", phone=None, params=PARAMS)
    await office.turn()
    assert (await office.row(nobody))["why"] == "nobody"
