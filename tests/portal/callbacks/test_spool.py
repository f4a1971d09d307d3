"""The spool's files: what is promised is on the disk and comes back once, whatever a crash or a bad disk did to the rest."""

import os
import resource
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.spool import Spool, SpoolError, frame, read_frames

RECORDS = [b"one", b"", b"three" * 1000]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool")
    yield made
    made.release()


def read_all(spool: Spool) -> list[bytes]:
    """What can be claimed, put back."""
    found: list[bytes] = []
    for segment in spool.claim():
        found += segment.records
        segment.close()
    return found


def remove_all(spool: Spool) -> None:
    for segment in spool.claim():
        segment.remove()


def test_what_was_appended_comes_back_and_the_file_goes(spool: Spool) -> None:
    spool.append(RECORDS[:2])
    spool.append(RECORDS[2:])
    spool.release()
    assert read_all(spool) == RECORDS
    assert spool.depth().files == 1
    remove_all(spool)
    assert list(spool.folder.iterdir()) == []


def test_a_file_being_written_is_not_drained(spool: Spool) -> None:
    spool.append([b"mine"])
    other = Spool(spool.folder)
    assert read_all(other) == []
    assert other.depth().files == 1
    spool.release()
    assert read_all(other) == [b"mine"]


def test_a_file_being_drained_is_not_drained_by_another(spool: Spool) -> None:
    spool.append([b"mine"])
    spool.release()
    first = next(spool.claim())
    assert list(Spool(spool.folder).claim()) == []
    first.remove()


def test_a_file_drained_between_seeing_and_opening_is_not_read_again(spool: Spool) -> None:
    for record in (b"first", b"second"):
        spool.append([record])
        spool.release()
    seen = spool.claim()
    next(seen).remove()
    remove_all(Spool(spool.folder))  # another process was faster with the second
    assert list(seen) == []


def test_nobody_but_us_may_read_it(spool: Spool) -> None:
    spool.append([b"a phone number"])
    assert spool.folder.stat().st_mode & 0o077 == 0
    assert [path.stat().st_mode & 0o077 for path in spool.files()] == [0]


@given(cut=st.integers(min_value=0, max_value=len(b"".join(map(frame, RECORDS)))))
def test_of_a_tail_torn_anywhere_the_whole_records_remain(cut: int) -> None:
    whole = b"".join(map(frame, RECORDS))
    records, spoilt = read_frames(whole[:cut])
    assert records == RECORDS[: len(records)]
    assert b"".join(map(frame, records)) + spoilt == whole[:cut]
    assert (cut == len(whole)) == (len(records) == len(RECORDS))


@given(st.binary(max_size=500))
def test_any_bytes_can_be_read_and_none_is_lost(data: bytes) -> None:
    records, spoilt = read_frames(data)
    assert sum(len(frame(record)) for record in records) + len(spoilt) == len(data)


def test_a_spoilt_record_is_stepped_over(spool: Spool) -> None:
    spool.append([b"before", b"spoilt", b"after"])
    spool.release()
    path = spool.files()[0]
    path.write_bytes(path.read_bytes().replace(b"spoilt", b"sp0ilt"))
    assert read_all(spool) == [b"before", b"after"]


def test_what_cannot_be_read_is_kept_aside(spool: Spool) -> None:
    spool.append([b"whole", b"torn"])
    spool.release()
    path = spool.files()[0]
    path.write_bytes(path.read_bytes()[:-2])
    remove_all(spool)
    assert spool.files() == []
    assert [aside.read_bytes() for aside in spool.folder.glob("*.aside")] == [frame(b"torn")[:-2]]
    assert spool.depth().aside == 1


def test_a_body_that_holds_a_record_is_not_read_as_one_when_it_is_torn() -> None:
    forged = frame(b"a trusted message nobody sent")
    records, spoilt = read_frames(frame(forged + b"and more")[:-4])
    assert records == []
    assert forged in spoilt


@contextmanager
def disk_of(size: int) -> Generator[None]:
    """No file of this process may grow beyond this: the write that does fails half way, as on a full disk."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)


def test_on_a_full_disk_nothing_is_promised_and_what_was_promised_remains(spool: Spool) -> None:
    spool.append([b"promised"])
    with disk_of(200), pytest.raises(SpoolError, match="cannot be written"):
        spool.append([b"x" * 1000])
    spool.append([b"afterwards"])
    spool.release()
    assert read_all(spool) == [b"promised", b"afterwards"]


def test_more_than_the_limit_is_not_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most_bytes=100)
    spool.append([b"x" * 50])
    with pytest.raises(SpoolError, match="holds its 100 bytes"):
        spool.append([b"x" * 50])
    spool.release()
    assert read_all(spool) == [b"x" * 50]


def test_a_folder_that_cannot_be_written_is_told_before_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file stands where the folder should be")
    spool = Spool(tmp_path / "spool")
    assert "cannot be written" in (spool.trouble() or "")
    with pytest.raises(SpoolError):
        spool.append([b"lost"])
    (tmp_path / "spool").unlink()
    assert spool.trouble() is None
    assert list(spool.folder.iterdir()) == []


def test_a_file_that_was_made_and_never_begun_is_tidied_up(spool: Spool) -> None:
    spool.append([b"one"])
    young, old = spool.folder / "1-1.draft", spool.folder / "2-2.draft"
    young.touch()
    old.touch()
    os.utime(old, (1, 1))
    spool.release()
    remove_all(spool)
    assert young.exists()
    assert not old.exists()


def test_a_large_spool_is_many_files(spool: Spool) -> None:
    for _ in range(9):
        spool.append([b"x" * 1_000_000])
    assert spool.depth().files == 2
    assert len(read_all(spool)) == 5, "the one that is full may be drained while the next is written"


def test_many_records_cost_one_fsync_and_it_comes_before_the_promise(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append([b"the file is made"])
    synced: list[int] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    before = spool.depth().size
    spool.append(RECORDS)
    assert synced == [before + sum(len(frame(record)) for record in RECORDS)]


def test_after_a_failed_fsync_nothing_more_is_written_to_that_file(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel dropped then is not written by a later fsync that succeeds."""
    spool.append([b"promised"])

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error", descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SpoolError, match="Input/output error"):
        spool.append([b"not promised"])
    monkeypatch.undo()
    spool.append([b"in another file"])
    spool.release()
    segments = list(spool.claim())
    assert [segment.records for segment in segments] == [[b"promised"], [b"in another file"]]
    for segment in segments:
        segment.close()
