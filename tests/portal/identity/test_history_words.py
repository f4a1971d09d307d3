"""Who did what says it in words: for everything somebody can cause there is a sentence of its own, and a kind to look it up by."""

from datetime import UTC, datetime

from portal import i18n
from portal.controllers.dashboard.history_words import DEED_WORDS, FACT_WORDS, OTHER, deed_words
from portal.identity.history import KINDS, Deed
from tests.portal.identity import deed_names


def _deed(entity: str, name: str) -> Deed:
    return Deed(
        id=1,
        at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        entity=entity,
        entity_id=1,
        name=name,
        became=None,
        actor="user:1",
        who="Amina",
        ip="",
        data={},
    )


def test_the_names_are_read_from_the_code() -> None:
    found = deed_names.of_people()
    assert len(found) > 150
    by_roads = [
        ("packages", "restored"),  # handed on by an argument
        ("merchants", "paused"),  # by a variable, this or that
        ("batches", "codes_exported"),  # handed on from another file
        ("batches", "codes_printed"),  # by what an argument stands at
        ("refunds", "drop"),  # by an arrow
        ("mpesa_accounts", "mpesa_initiator_set"),  # with the table as a constant
    ]
    assert [each for each in by_roads if each not in found] == []


def test_everything_people_do_has_a_sentence_of_its_own() -> None:
    lacking = sorted(each for each in deed_names.of_people() if each not in DEED_WORDS and each not in FACT_WORDS)
    assert lacking == [], "add a sentence to controllers/dashboard/history_words.py"


def test_no_arrow_of_any_machine_is_something_else() -> None:
    assert [each for each in sorted(deed_names.of_machines()) if deed_words(_deed(*each)) == OTHER] == []


def test_everything_people_do_is_of_a_kind() -> None:
    kept = {table for tables in KINDS.values() for table in tables}
    assert sorted({table for table, _ in deed_names.of_people()} - kept) == []


def test_the_sentences_are_said_in_swahili() -> None:
    swahili = i18n.language("sw")
    assert [words for words in DEED_WORDS.values() if swahili.gettext(words) == words] == []
