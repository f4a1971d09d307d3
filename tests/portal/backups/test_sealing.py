"""The sealed stream: nothing can be altered, left out, swapped, cut off or added without being noticed."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.backups.errors import BackupError, Damaged, KeyMissing, NewerVersion
from portal.backups.sealing import CHUNK, Opener, Sealer

KEY = bytes(range(32))


def sealed(*chunks: bytes, key: bytes = KEY) -> bytes:
    file = io.BytesIO()
    sealer = Sealer(file, key_name="first", key=key, head=b"head")
    for chunk in chunks:
        sealer.write(chunk)
    sealer.end()
    assert sealer.size == len(file.getvalue())
    return file.getvalue()


def read(stored: bytes, key: bytes = KEY) -> tuple[bytes, list[bytes]]:
    opener = Opener(io.BytesIO(stored), keys={"first": key}, name="a.backup")
    return opener.head, list(opener.chunks())


def frames(stored: bytes) -> tuple[bytes, list[bytes]]:
    """What stands before the frames, and each frame."""
    at = 8 + 1 + 5 + 16
    intro, found = stored[:at], list[bytes]()
    while at < len(stored):
        length = 5 + int.from_bytes(stored[at + 1 : at + 5], "big")
        found.append(stored[at : at + length])
        at += length
    return intro, found


@pytest.mark.parametrize("chunks", [[], [b""], [b"one", b"two"], [bytes(CHUNK), b"x"]])
def test_what_went_in_comes_out(chunks: list[bytes]) -> None:
    assert read(sealed(*chunks)) == (b"head", chunks)


SMALL = sealed(b"first part", b"second part")


@given(st.integers(0, len(SMALL) - 1))
def test_every_cut_is_noticed(size: int) -> None:
    with pytest.raises(Damaged):
        read(SMALL[:size])


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_every_altered_byte_is_noticed(at: int, by: int) -> None:
    altered = bytearray(SMALL)
    altered[at] ^= by
    with pytest.raises(BackupError):
        read(bytes(altered))


def test_swapped_dropped_doubled_and_added_frames_are_noticed() -> None:
    intro, (head, one, two, end) = frames(SMALL)
    for wrong in (
        [head, two, one, end],
        [head, one, end],
        [head, one, one, two, end],
        [head, one, two, end, end],
        [head, one, two, end, b"x"],
        [head, end],
        [one, two, end],
    ):
        with pytest.raises(BackupError):
            read(intro + b"".join(wrong))
    other = frames(sealed(b"first part", b"second part"))[1]
    with pytest.raises(Damaged):
        read(intro + b"".join([head, other[1], two, end]))


def test_a_wrong_key_a_missing_key_and_strange_files_are_told_apart() -> None:
    with pytest.raises(KeyMissing, match="another than the one it was made with"):
        read(SMALL, key=bytes(32))
    with pytest.raises(KeyMissing, match="“first”, which is not in the list"):
        Opener(io.BytesIO(SMALL), keys={}, name="a.backup")
    with pytest.raises(Damaged, match=r"a\.backup is no backup of Vocha"):
        read(b"PGDMP and more")
    with pytest.raises(NewerVersion, match="later version"):
        read(SMALL.replace(b"VOCHABK1", b"VOCHABK2"))


def test_no_two_frames_are_sealed_alike_and_swapped_data_is_never_given_out() -> None:
    intro, (head, one, two, end) = frames(sealed(b"same", b"same"))
    assert one != two
    opener = Opener(io.BytesIO(intro + head + two + one + end), keys={"first": KEY}, name="a.backup")
    with pytest.raises(Damaged):
        next(opener.chunks())
    assert frames(sealed(b"same"))[1][1] != one, "each file has a key of its own"
