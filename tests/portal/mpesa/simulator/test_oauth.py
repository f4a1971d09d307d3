import pytest

from portal.mpesa.simulator import DEFAULT_KEY, DEFAULT_SECRET, DarajaSimulator

from .conftest import Caller, error_of


async def test_token_has_28_characters_and_a_text_lifetime(caller: Caller):
    answer = await caller.token()
    assert answer.status_code == 200
    assert len(answer.json()["access_token"]) == 28
    assert answer.json()["expires_in"] == "3599"


async def test_lifetime_is_a_number_when_the_knob_says_so(caller: Caller):
    caller.world.turn(expires_in_as="number")
    assert (await caller.token()).json()["expires_in"] == 3599


@pytest.mark.parametrize("auth", [(DEFAULT_KEY, "wrong"), ("wrong", DEFAULT_SECRET), ("", "")])
async def test_wrong_keys_get_400_with_an_empty_body(caller: Caller, auth: tuple[str, str]):
    answer = await caller.token(auth=auth)
    assert (answer.status_code, answer.content) == (400, b"")


async def test_basic_credentials_that_are_no_base64_get_400_with_an_empty_body(caller: Caller):
    answer = await caller.token(auth=None, headers={"Authorization": "Basic ***"})
    assert (answer.status_code, answer.content) == (400, b"")


async def test_other_grant_type_is_refused(caller: Caller):
    refused = await caller.token(params={"grant_type": "password"})
    assert error_of(refused) == (400, "400.008.02", "Invalid grant type passed")


async def test_other_authorization_type_is_refused(caller: Caller):
    refused = await caller.token(auth=None, headers={"Authorization": "Bearer x"})
    assert error_of(refused)[:2] == (400, "400.008.01")


async def test_post_for_a_token_is_refused(caller: Caller):
    assert error_of(await caller.http.post("/oauth/v1/generate"))[:2] == (405, "405.001")


async def test_new_token_kills_the_old_one(caller: Caller):
    old = (await caller.token()).json()["access_token"]
    new = (await caller.token()).json()["access_token"]
    caller.bearer = old
    assert error_of(await caller.push()) == (404, "404.001.03", "Invalid Access Token")
    caller.bearer = new
    assert (await caller.push()).status_code == 200


async def test_old_token_lives_through_the_grace_and_no_longer(sim: DarajaSimulator, caller: Caller):
    sim.world.turn(token_grace_seconds=10, repeat_rule="off", no_answer_seconds=1)
    caller.bearer = (await caller.token()).json()["access_token"]
    await caller.token()
    assert (await caller.push()).status_code == 200
    sim.world.advance(10)
    assert (await caller.push()).status_code == 404


async def test_token_dies_after_an_hour(sim: DarajaSimulator, caller: Caller):
    caller.bearer = (await caller.token()).json()["access_token"]
    sim.world.advance(3599)
    assert (await caller.push()).status_code == 200
    sim.world.advance(1)
    assert (await caller.push(Amount=30)).status_code == 404


async def test_second_app_does_not_kill_the_first_ones_token(caller: Caller):
    caller.world.add_app("other", "app")
    caller.bearer = (await caller.token()).json()["access_token"]
    await caller.token(auth=("other", "app"))
    assert (await caller.push()).status_code == 200


@pytest.mark.parametrize(
    ("spelling", "status"), [("404.001.03", 404), ("401.002.01", 401), ("400.003.01", 400), ("401.003.01", 401)]
)
async def test_bad_token_is_spelled_as_the_knob_says(caller: Caller, spelling: str, status: int):
    caller.world.turn(token_error=spelling)
    caller.bearer = "never-issued"
    assert error_of(await caller.push())[:2] == (status, spelling)


async def test_missing_product_is_refused_with_a_good_token(caller: Caller):
    caller.world.turn(product_missing=True)
    status, code, message = error_of(await caller.push())
    assert (status, code) == (401, "401.003.01")
    assert "no apiproduct match found" in message
