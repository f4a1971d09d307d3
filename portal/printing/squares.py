"""The code square (QR) of a card: what it says and how it is drawn, as rows of dark runs.

It leads to the portal, `/V/<shop>#<code>`. What stands behind the # never leaves the phone by itself: no server, proxy, log or
referrer sees it (RFC 9110, fragments). All but the # is capitals, digits and `:/.-`, which squares write in 5.5 bits instead of 8
(ISO/IEC 18004, alphanumeric mode): larger dots on small cards. Names of hosts and schemes do not mind capitals (RFC 3986).
"""

from collections.abc import Iterator

#: The quarter of a square that may be dirty: M mends 15 %.
_LEVEL = "m"
#: One of the eight masks, not the best of them: looking for that costs four fifths of the time, and every reader takes any.
_MASK = 2


def square(address: str, code: str = "") -> list[list[int]]:
    """Rows of 0 and 1, without the white border. `address` in capitals stays small; `code` is put behind a #."""
    from segno import encoder  # noqa: PLC0415  (loaded with the first use: memory)

    content = [address, "#", code] if code else [address]
    made = encoder.encode(content, error=_LEVEL, mask=_MASK, micro=False, boost_error=False)
    return [list(row) for row in made.matrix]


def runs(matrix: list[list[int]]) -> Iterator[tuple[int, int, int]]:
    """The dark runs as (x, y, length), y from the top."""
    for y, row in enumerate(matrix):
        x, size = 0, len(row)
        while x < size:
            start = x
            while x < size and row[x]:
                x += 1
            if x > start:
                yield start, y, x - start
            x += 1


def svg_path(matrix: list[list[int]]) -> str:
    """The whole square as one stroke of width 1, for a viewBox of its size; relative moves keep it short."""
    parts: list[str] = []
    at_x = at_y = 0
    for x, y, length in runs(matrix):
        parts.append(f"m{x - at_x} {y - at_y}h{length}")
        at_x, at_y = x + length, y
    return "M0 .5" + "".join(parts)


def pdf_path(matrix: list[list[int]]) -> str:
    """The same as PDF operators (ISO 32000, re and f), y from the bottom, one unit a dot."""
    size = len(matrix)
    return " ".join(f"{x} {size - 1 - y} {length} 1 re" for x, y, length in runs(matrix)) + " f"
