"""The API's framing: length-prefixed words, sentences that end with an empty word. Bytes only, no meaning.

Source: MikroTik manual, API. Text is UTF-8 with surrogate escapes, so that any bytes come back as they went.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_STEPS = ((0x80, 0x00, 1), (0x4000, 0x8000, 2), (0x200000, 0xC00000, 3), (0x10000000, 0xE0000000, 4))
_FIRST_CONTROL_BYTE = 0xF8
_LONGEST = 0xFFFFFFFF


class WireError(Exception):
    """The peer sent something that is no sentence: a control byte, or more than the reader's limits allow."""


def encode_length(count: int) -> bytes:
    """Encode a word's length in one to five bytes."""
    for bound, mark, size in _STEPS:
        if count < bound:
            return (count | mark).to_bytes(size, "big")
    if count > _LONGEST:
        raise ValueError("a word holds at most 4294967295 bytes")
    return b"\xf0" + count.to_bytes(4, "big")


def to_bytes(text: str) -> bytes:
    """Turn text of a row into the bytes it came from."""
    return text.encode("utf-8", "surrogateescape")


def to_text(word: bytes) -> str:
    """Turn bytes of the wire into text that remembers every byte."""
    return word.decode("utf-8", "surrogateescape")


def encode_sentence(words: Iterable[str]) -> bytes:
    """Encode one sentence, its closing empty word included."""
    parts: list[bytes] = []
    for word in words:
        raw = word.encode("utf-8", "surrogateescape")
        count = len(raw)
        parts.append(count.to_bytes(1, "big") if count < 0x80 else encode_length(count))
        parts.append(raw)
    parts.append(b"\0")
    return b"".join(parts)


def encode_row(reply: str, attributes: Mapping[str, str], tag: str | None) -> bytes:
    """Encode a reply sentence: its kind (`!re`, …), the tag of its command, its attributes."""
    words = [reply] if tag is None else [reply, f".tag={tag}"]
    words.extend([f"={name}={value}" for name, value in attributes.items()])
    return encode_sentence(words)


@dataclass(slots=True)
class SentenceReader:
    """Cuts a byte stream, however fragmented, into sentences. Limits count per sentence and may be changed."""

    max_words: int = 1024
    max_bytes: int = 16 * 1024 * 1024
    _buffer: bytearray = field(default_factory=bytearray)
    _words: list[bytes] = field(default_factory=list)
    _size: int = 0

    @property
    def is_midway(self) -> bool:
        """Say whether the bytes so far end inside a sentence."""
        return bool(self._buffer or self._words)

    def feed(self, data: bytes) -> list[list[str]]:
        """Take bytes, give the sentences now complete. Empty sentences are dropped. Raises WireError."""
        return list(self.cut(data))

    def cut(self, data: bytes) -> Iterator[list[str]]:
        """Do what `feed` does one sentence at a time, so that limits raised in between hold for the next."""
        self._buffer += data
        at = 0
        try:
            while (head := self._length_at(at)) is not None:
                count, size = head
                self._check(count)
                if len(self._buffer) < at + size + count:
                    break
                word = bytes(self._buffer[at + size : at + size + count])
                at += size + count
                if word:
                    self._words.append(word)
                    self._size += count
                elif self._words:
                    sentence, self._words, self._size = self._words, [], 0
                    yield [to_text(w) for w in sentence]
        finally:
            del self._buffer[:at]

    def _check(self, count: int) -> None:
        if count and len(self._words) >= self.max_words:
            raise WireError("too many words in a sentence")
        if self._size + count > self.max_bytes:
            raise WireError("sentence too long")

    def _length_at(self, at: int) -> tuple[int, int] | None:
        if at >= len(self._buffer):
            return None
        first = self._buffer[at]
        if first < 0x80:
            return first, 1
        if first >= _FIRST_CONTROL_BYTE:
            raise WireError("control byte")
        size = 2 if first < 0xC0 else 3 if first < 0xE0 else 4 if first < 0xF0 else 5
        if len(self._buffer) < at + size:
            return None
        raw = int.from_bytes(self._buffer[at : at + size], "big")
        return (raw & 0xFFFFFFFF if size == 5 else raw & ((1 << (size * 7)) - 1)), size
