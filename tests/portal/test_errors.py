import pytest

from portal import errors
from portal.errors import Invalid, MpesaBusy, MpesaError, MpesaRefused, MpesaUnknown, NotFound, PortalError, TooMany


def family(cls: type[PortalError]) -> list[type[PortalError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in family(child))]


def test_the_tree_on_top_of_the_file_names_every_error_with_its_status():
    tree = errors.__doc__ or ""
    for cls in family(PortalError):
        if cls.__module__ == "portal.errors" and cls is not PortalError:
            line = next(line for line in tree.splitlines() if f"── {cls.__name__} " in line)
            if not issubclass(cls, MpesaError) or cls is MpesaError:
                assert str(cls.status_code) in line


def test_every_error_has_a_sentence_for_people():
    for cls in family(PortalError):
        assert cls.default.endswith("."), cls


def test_a_message_can_be_translated_before_it_is_filled_in():
    error = NotFound("There is no router %(name)s.", params={"name": "Kilimani"})
    assert error.message == "There is no router %(name)s."
    assert str(error) == "There is no router Kilimani."


def test_a_percent_sign_without_params_is_left_alone():
    assert str(PortalError("50% off")) == "50% off"


def test_invalid_says_which_field_and_keeps_its_own_copy():
    fields = {"phone": "A digit is missing."}
    error = Invalid(fields)
    fields.clear()
    assert error.fields == {"phone": "A digit is missing."}


def test_trying_again_makes_sense_only_where_the_error_says_so():
    assert not TooMany().permanent
    assert not MpesaBusy().permanent
    assert not MpesaUnknown().permanent
    assert MpesaRefused().permanent
    assert NotFound().permanent


def test_a_payment_error_keeps_the_providers_words_for_the_log_and_its_own_for_the_payer():
    error = MpesaRefused("400.002.02", "Bad Request - Invalid Amount")
    assert "Invalid Amount" in str(error)
    assert "Invalid Amount" not in error.message


@pytest.mark.parametrize("cls", [MpesaBusy, TooMany])
def test_busy_tells_when_to_come_back(cls: type[MpesaBusy]):
    assert cls(retry_after=12).retry_after == 12
