from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.phones import PhoneError, carrier_hint, is_stored_form, mask, mask_for_log, parse_phone

LOCAL = st.from_regex(r"7[0-9]{8}", fullmatch=True)
PREFIXES = ["0", "", "254", "+254", "00254", "+2540", "＋254"]
SEPARATED = ["{0}{1}", "{0} {1}", "{0}-{1}", "({0}) {1}", "\u202a{0}{1}\u202c", "{0}.{1}", "\u00a0{0}\u00a0{1}"]


@given(LOCAL, st.sampled_from(PREFIXES), st.sampled_from(SEPARATED))
def test_every_usual_spelling_is_the_same_number(local: str, prefix: str, shape: str):
    assert parse_phone(shape.format(prefix, local)) == f"254{local}"


@given(LOCAL)
def test_digits_of_another_script_are_understood(local: str):
    arabic = ("0" + local).translate({ord(str(n)): 0x0660 + n for n in range(10)})
    assert parse_phone(arabic) == f"254{local}"


@pytest.mark.parametrize("typed", ["0110123456", "0100123456", "0733123456", "0771123456", "0112 345 678"])
def test_newer_ranges_and_other_carriers_are_mobile_too(typed: str):
    assert parse_phone(typed).startswith("254")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "Write your phone number"),
        ("   ", "Write your phone number"),
        ("hello", "not a phone number"),
        ("0712-HELLO", "not a phone number"),
        ("0712345678 ext 4", "not a phone number"),
        ("0712345678;0722000000", "not a phone number"),
        ("071234567", "digit is missing"),
        ("07123456789", "too many digits"),
        ("+2547123456789", "too many digits"),
        ("+255712345678", "Only Kenyan"),
        ("00255712345678", "Only Kenyan"),
        ("+447911123456", "Only Kenyan"),
        ("255712345678", "too many digits"),
        ("0202222222", "not a mobile"),
        ("0800723253", "not a"),
        ("0312345678", "not a"),
        ("7" * 65, "too long"),
        ("²712345678", "not a phone number"),
    ],
)
def test_a_number_that_cannot_pay_is_refused_in_words(typed: str, says: str):
    with pytest.raises(PhoneError, match=says):
        parse_phone(typed)


@given(LOCAL)
def test_a_tanzanian_number_never_becomes_a_strangers_kenyan_one(local: str):
    for spelling in (f"+255{local}", f"00255{local}", f"255{local}"):
        with pytest.raises(PhoneError):
            parse_phone(spelling)


@given(st.text(max_size=80))
def test_any_text_is_a_storable_number_or_a_clear_refusal(text: str):
    with suppress(PhoneError):
        assert is_stored_form(parse_phone(text))


@given(LOCAL)
def test_parsing_again_changes_nothing(local: str):
    assert parse_phone(parse_phone(local)) == parse_phone(local)


def test_screens_and_logs_hide_the_middle():
    assert mask("254712345678") == "0712 ••• 678"
    assert mask_for_log("254712345678") == "2547•••678"


@pytest.mark.parametrize("odd", ["", "0712345678", "254712345678\n", "25471234567٨", "a" * 40])
def test_what_is_not_our_form_is_hidden_wholly(odd: str):
    assert mask(odd) == "•••"
    assert mask_for_log(odd) == "•••"


@pytest.mark.parametrize(
    ("phone", "carrier"),
    [
        ("254712345678", "Safaricom"),
        ("254110123456", "Safaricom"),
        ("254768123456", "Safaricom"),
        ("254100123456", "Airtel"),
        ("254733123456", "Airtel"),
        ("254771123456", "Telkom"),
        ("254747123456", None),
        ("255712345678", None),
    ],
)
def test_the_prefix_hints_at_the_carrier(phone: str, carrier: str | None):
    assert carrier_hint(phone) == carrier
