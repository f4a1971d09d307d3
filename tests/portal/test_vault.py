import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.vault import KeyMissing, Tampered, Vault, VaultError

OLD, NEW = ("2025", b"o" * 32), ("2026", b"n" * 32)
VAULT = Vault([NEW, OLD])
NAMES = st.text(max_size=12)


def sealed_password() -> bytes:
    return VAULT.seal("routers", "password", row_id=7, plaintext="hunter2")


@given(st.text(), NAMES, NAMES, st.integers() | st.text(max_size=40))
def test_what_is_sealed_opens_in_its_own_place(text: str, table: str, column: str, row_id: int | str):
    sealed = VAULT.seal(table, column, row_id=row_id, plaintext=text)
    assert VAULT.open(table, column, row_id=row_id, sealed=sealed) == text


def test_the_text_is_not_readable_and_never_sealed_alike_twice():
    assert b"hunter2" not in sealed_password()
    assert sealed_password() != sealed_password()


@pytest.mark.parametrize(
    ("table", "column", "row_id"),
    [("routers", "password", 8), ("routers", "user", 7), ("merchants", "password", 7), ("router", "spassword", 7)],
)
def test_a_secret_moved_to_another_row_column_or_table_is_refused(table: str, column: str, row_id: int):
    with pytest.raises(Tampered):
        VAULT.open(table, column, row_id=row_id, sealed=sealed_password())


@given(st.data())
def test_any_altered_byte_is_refused(data: st.DataObject):
    sealed = sealed_password()
    place = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.integers(1, 255))
    altered = sealed[:place] + bytes([sealed[place] ^ other]) + sealed[place + 1 :]
    with pytest.raises(VaultError):
        VAULT.open("routers", "password", row_id=7, sealed=altered)


@given(st.binary(max_size=60))
def test_garbage_is_refused(garbage: bytes):
    with pytest.raises(VaultError):
        VAULT.open("routers", "password", row_id=7, sealed=garbage)


def test_every_cut_is_refused():
    sealed = sealed_password()
    for end in range(len(sealed)):
        with pytest.raises(Tampered):
            VAULT.open("routers", "password", row_id=7, sealed=sealed[:end])


def test_an_old_secret_still_opens_and_asks_for_rotation():
    before = Vault([OLD]).seal("routers", "password", row_id=7, plaintext="hunter2")
    assert VAULT.open("routers", "password", row_id=7, sealed=before) == "hunter2"
    assert not VAULT.is_current(before)
    assert VAULT.is_current(sealed_password())


def test_a_secret_of_a_forgotten_key_says_so():
    with pytest.raises(KeyMissing):
        Vault([OLD]).open("routers", "password", row_id=7, sealed=sealed_password())


def test_a_key_of_the_same_name_with_other_bytes_opens_nothing():
    with pytest.raises(Tampered):
        Vault([("2026", b"x" * 32)]).open("routers", "password", row_id=7, sealed=sealed_password())


@pytest.mark.parametrize("keys", [[], [("a", b"short")], [("", b"k" * 32)], [OLD, OLD]])
def test_a_vault_without_proper_keys_is_not_built(keys: list[tuple[str, bytes]]):
    with pytest.raises(ValueError):
        Vault(keys)
