"""A merchant at her desk or with her phone: signing in, watching the day go by, signing out."""

import re

from playwright.async_api import expect

from e2e.browsers import PHONE
from e2e.conftest import Desks, Person, Wifi
from e2e.pages import turn_back_to
from e2e.surroundings import MSISDN, NUMBER, router_is
from jobs import routers
from tests.flows.world import Shop


async def test_a_sale_shows_by_itself_from_the_prompt_to_the_connected_phone(
    wifi: Wifi, desks: Desks, shop: Shop, owner: Person
) -> None:
    dashboard = await desks.open(shop)
    await dashboard.sign_in(*owner)
    await expect(dashboard.figure("Sales today")).to_contain_text("KES 0")
    await expect(dashboard.page.get_by_text("No sales yet")).to_be_visible()
    await dashboard.page.evaluate("window.isTheSamePage = true")
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.choose("1 hour")
    await phone.pay(NUMBER)
    await shop.daraja.wait_prompt(MSISDN)
    await expect(dashboard.newest_sale).to_contain_text("Waiting for PIN")
    await expect(dashboard.newest_sale).to_contain_text("0712 ••• 678".replace(" ", "\u00a0"))
    await dashboard.keep("live-waiting")
    await shop.daraja.approve(MSISDN)
    await turn_back_to(dashboard.newest_sale, "Connected")
    await expect(dashboard.figure("Sales today")).to_contain_text("KES\u00a010")
    await expect(dashboard.figure("Online now")).to_contain_text("1")
    await dashboard.keep("live-connected")
    assert await dashboard.page.evaluate("window.isTheSamePage")
    assert len(dashboard.watch.documents("/home")) == 1


async def test_a_sale_that_came_to_nothing_says_why(wifi: Wifi, desks: Desks, shop: Shop, owner: Person) -> None:
    dashboard = await desks.open(shop, viewport=PHONE)
    await dashboard.sign_in(*owner)
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.choose("1 day")
    await phone.pay(NUMBER)
    await shop.daraja.cancel(MSISDN)
    await turn_back_to(dashboard.newest_sale, "Cancelled")
    await dashboard.keep("live-cancelled")
    await expect(dashboard.figure("Sales today")).to_contain_text("KES 0")


async def test_the_dashboard_works_without_javascript(wifi: Wifi, desks: Desks, shop: Shop, owner: Person) -> None:
    dashboard = await desks.open(shop, viewport=PHONE, scripts=False)
    await dashboard.sign_in(*owner)
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.choose("1 hour")
    await phone.pay(NUMBER)
    await shop.daraja.approve(MSISDN)
    await phone.turn_back_to("You are connected")
    await dashboard.page.reload()
    await expect(dashboard.newest_sale).to_contain_text("Connected")
    await expect(dashboard.figure("Sales today")).to_contain_text("KES\u00a010")
    await dashboard.page.get_by_role("link", name="All sales").click()
    await expect(dashboard.page.get_by_role("heading", level=1)).to_have_text("Sales")
    await dashboard.sign_out()
    await expect(dashboard.page).to_have_url(re.compile("/sign-in"))


async def test_a_wrong_password_is_refused_with_the_same_words_as_an_unknown_person(
    desks: Desks, shop: Shop, owner: Person
) -> None:
    said: list[str] = []
    for email in (owner.email, "nobody@kilimani.test"):
        dashboard = await desks.open(shop)
        await dashboard.sign_in(email, "not the password")
        alert = dashboard.page.get_by_role("alert")
        await expect(alert).to_be_visible()
        said.append(await alert.inner_text())
        await expect(dashboard.page.get_by_label("E-mail")).to_have_value(email)
        await expect(dashboard.page.get_by_label("Password")).to_have_value("")
    assert said[0] == said[1]
    assert "password" in said[0].lower()


async def test_who_signed_out_is_asked_again_who_she_is(desks: Desks, shop: Shop, owner: Person) -> None:
    dashboard = await desks.open(shop)
    await dashboard.sign_in(*owner)
    await expect(dashboard.page).to_have_url(re.compile("/home"))
    kept = await dashboard.page.context.cookies()
    await dashboard.sign_out()
    await expect(dashboard.page).to_have_url(re.compile("/sign-in"))
    await dashboard.page.goto("/sales")
    await expect(dashboard.page).to_have_url(re.compile("/sign-in"))
    # A copied cookie is worth nothing either: the session itself has ended.
    await dashboard.page.context.add_cookies(
        [{"name": c["name"], "value": c["value"], "url": shop.portal} for c in kept]
    )
    await dashboard.page.goto("/sales")
    await expect(dashboard.page).to_have_url(re.compile("/sign-in"))


async def test_who_followed_a_link_is_there_after_signing_in(desks: Desks, shop: Shop, owner: Person) -> None:
    dashboard = await desks.open(shop)
    await dashboard.page.goto("/sales")
    await dashboard.fill_in(*owner)
    await expect(dashboard.page).to_have_url(re.compile("/sales$"))


async def test_a_router_that_goes_away_is_told_by_itself_and_so_is_its_return(
    desks: Desks, shop: Shop, owner: Person
) -> None:
    dashboard = await desks.open(shop)
    await dashboard.sign_in(*owner)
    note = dashboard.page.locator("#figures .note")
    await expect(dashboard.page.get_by_role("heading", name="Today")).to_be_visible()
    await expect(note).to_have_count(0)
    assert shop.doors is not None
    await shop.board.set_online(False)
    shop.shift(seconds=30)
    await routers.sync(shop.doors)
    await router_is("offline")
    await turn_back_to(dashboard.page.locator("#figures"), "Main shop has been offline for")
    await expect(note).to_contain_text("Selling is paused there.")
    await dashboard.keep("router-offline")
    await shop.board.set_online(True)
    shop.shift(seconds=5)
    await router_is("online")
    await turn_back_to(dashboard.page.locator("#routers"), "0 online")
    await expect(note).to_have_count(0)


async def test_a_page_that_cannot_reach_us_says_that_it_is_old(desks: Desks, shop: Shop, owner: Person) -> None:
    dashboard = await desks.open(shop)
    await dashboard.sign_in(*owner)
    note = dashboard.page.get_by_text("This page is not up to date")
    await expect(dashboard.page.get_by_role("heading", name="Today")).to_be_visible()
    await expect(note).to_be_hidden()
    await dashboard.page.context.set_offline(True)
    await dashboard.turn_back()
    await expect(note).to_be_visible()
    await dashboard.keep("stale")
    await dashboard.page.context.set_offline(False)
    await dashboard.turn_back()
    await expect(note).to_be_hidden()
    dashboard.watch.said.clear()  # the browser itself complains about the lost connection
