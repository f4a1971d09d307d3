import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from portal.logs import clean, clean_text, configure_logging

LOCAL = st.from_regex(r"[17][0-9]{8}", fullmatch=True)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def out() -> io.StringIO:
    stream = io.StringIO()
    configure_logging(stream=stream)
    return stream


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


@given(
    LOCAL, st.sampled_from(["254{}", "+254{}", "00254{}", "0{}", "{}", "tel:0{}.", "user_254{}", "+254 {}", "a254{}b"])
)
def test_a_phone_number_never_reaches_the_log(local: str, shape: str):
    shown = clean_text(f"paid by {shape.format(local)} just now")
    assert local not in shown
    assert f"254{local[0]}•••{local[-3:]}" in shown


@pytest.mark.parametrize(
    "spaced", ["0712 345 678", "0712-345-678", "+254 712 345 678", "254-712-345678", "+2540712345678"]
)
def test_a_spaced_number_is_masked_too(spaced: str):
    assert clean_text(f"<{spaced}>") == "<2547•••678>"


@pytest.mark.parametrize(
    "harmless",
    [
        "192.168.88.1",
        "172.16.254.1",
        "10.5.50.17",
        "2026-11-20T09:30:00.123456Z",
        "took 0.712345678 s",
        "AA:BB:CC:11:22:33",
        "receipt TKT7RT61SV",
        "1700000000",
        "d712345678f0",
        "sale 12345",
    ],
)
def test_what_is_no_phone_number_is_left_readable(harmless: str):
    assert clean_text(harmless) == harmless


def test_the_phone_inside_a_checkout_request_id_is_masked():
    assert clean_text("ws_CO_180920261803512708374149 sent") == "ws_CO_180920261803512•••149 sent"


@pytest.mark.parametrize(("name", "masked"), [("amina.home", "am•••"), ("amy", "•••"), ("0712345678", "07•••")])
def test_the_name_a_customer_dials_in_by_is_masked(name: str, masked: str):
    assert clean(None, "info", {"user_name": name, "dialin": name}) == {"user_name": masked, "dialin": masked}


def test_numbers_as_numbers_are_masked_and_amounts_are_not():
    event = clean(None, "info", {"phone": 254712345678, "total_cents": 123456789, "huge": 10**30})
    assert event == {"phone": "2547•••678", "total_cents": 123456789, "huge": "a very large number"}


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "PASSWORD",
        "code",
        "passkey",
        "token",
        "secret",
        "mpesa_passkey",
        "access_token",
        "Authorization",
        "consumer_secret",
        "voucher_code",
        "callback-token",
        "api_key",
        "pin",
        "body",
        "request_body",
        "headers",
        "cookie",
    ],
)
def test_a_secret_is_dropped_at_any_depth(key: str):
    event = clean(None, "info", {key: "hunter2", "more": [{"deep": {key: "hunter2", "kept": 1}}]})
    assert event == {"more": [{"deep": {"kept": 1}}]}


@pytest.mark.parametrize("key", ["status_code", "result_code", "keyboard", "tokens_left", "spinner", "country_code"])
def test_a_key_that_only_sounds_secret_is_kept(key: str):
    assert clean(None, "info", {key: "yes"}) == {key: "yes"}


def test_credentials_inside_a_text_are_hidden():
    assert clean_text("sent Authorization: Bearer c2VjcmV0LXRva2Vu") == "sent Authorization: Bearer •••"
    assert clean_text("Basic a2V5OnNlY3JldA==") == "Basic •••"


def test_a_phone_number_hidden_deep_or_as_a_key_is_masked():
    nested: object = "0712345678"
    for _ in range(12):
        nested = [nested]
    event = clean(None, "info", {"deep": nested, "by_phone": {"254712345678": 3}, "raw": b"0712345678"})
    assert "712345678" not in repr(event)


def test_a_line_break_in_a_value_does_not_forge_a_line():
    stream = io.StringIO()
    configure_logging(stream=stream, log_format="console")
    structlog.get_logger("portal.test").info("path /x\nfake line\r\x1b[2J", place="a\nb\u2028c")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_structlog_and_stdlib_lines_look_alike(out: io.StringIO):
    structlog.get_logger("portal.one").info("sale settled", payment_id=7, phone="254712345678")
    logging.getLogger("portal.two").info("door %s", "mpesa", extra={"verb": "push", "phone": "0712345678"})
    first, second = lines(out)
    assert first["event"] == "sale settled"
    assert first["payment_id"] == 7
    assert second["event"] == "door mpesa"
    assert second["verb"] == "push"
    for line in (first, second):
        assert line["level"] == "info"
        assert str(line["logger"]).startswith("portal.")
        assert str(line["at"]).endswith("Z")
        assert line["phone"] == "2547•••678"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_an_exception_is_told_without_the_number_in_it(log_format: str):
    stream = io.StringIO()
    configure_logging(stream=stream, log_format=log_format)
    try:
        int("no such payer 0712345678")
    except ValueError:
        logging.getLogger("portal.x").exception("it failed")
        structlog.get_logger("portal.y").exception("it failed too")
    assert stream.getvalue().count("invalid literal for int() with base 10: 'no such payer 2547•••678'") == 2
    assert "712345678" not in stream.getvalue()


@pytest.mark.parametrize("library", ["httpx", "librouteros", "uvicorn.access", "pgqueuer", "apscheduler"])
def test_chatty_libraries_stay_quiet_even_when_we_debug(library: str):
    stream = io.StringIO()
    configure_logging(level="debug", stream=stream)
    logging.getLogger(library).info("GET https://example/secret-token")
    logging.getLogger(library).debug("=password=hunter2")
    assert stream.getvalue() == ""
    logging.getLogger(library).warning("trouble")
    assert "trouble" in stream.getvalue()


def test_our_own_debug_lines_show_only_when_asked(out: io.StringIO):
    logging.getLogger("portal.x").debug("not now")
    structlog.get_logger("portal.x").debug("nor this")
    assert out.getvalue() == ""


def test_configuring_twice_does_not_write_twice(out: io.StringIO):
    again = io.StringIO()
    configure_logging(stream=again)
    logging.getLogger("portal.x").info("once")
    assert out.getvalue() == ""
    assert again.getvalue().count("once") == 1


def test_the_servers_own_handlers_are_replaced(out: io.StringIO):
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(io.StringIO()))
    configure_logging(stream=out)
    assert logging.getLogger("uvicorn").handlers == []
    logging.getLogger("uvicorn.error").info("started")
    assert lines(out)[0]["event"] == "started"
