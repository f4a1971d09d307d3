"""The four papers: how large a card is, how many stand on a page, and what fits. Pure; the browser's print has the same millimetres
in static/print.css, and a test compares the two."""

import msgspec


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """A paper and its cards, all lengths in millimetres. `left`, `top`: where the first card begins; `pad` at its sides
    and top, `foot` at its bottom; a roll of thermal paper has one
    card a page and `feed` of white below the mark to cut at. Sizes of letters in points."""

    name: str
    page: tuple[float, float]
    card: tuple[float, float]
    columns: int
    rows: int
    left: float = 0
    top: float = 0
    feed: float = 0
    qr: float
    pad: tuple[float, float]
    foot: float
    small: float
    body: float
    title: float
    code: float

    @property
    def a_page(self) -> int:
        """How many cards a page holds."""
        return self.columns * self.rows

    @property
    def is_roll(self) -> bool:
        """Whether it is thermal paper: one narrow card below the other."""
        return self.feed > 0

    def pages(self, cards: int) -> int:
        """How many pages so many cards take."""
        return -(-cards // self.a_page)


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            name="a4-40", page=(210, 297), card=(48, 28), columns=4, rows=10, left=9, top=8.5, qr=16.5, pad=(2.4, 2),
            foot=1.5, small=5.5, body=7.5, title=9.5, code=12.5,
        ),
        Layout(
            name="a4-24", page=(210, 297), card=(64, 34), columns=3, rows=8, left=9, top=12.5, qr=20.5, pad=(3, 2.6),
            foot=1.8, small=6.5, body=9, title=12, code=14.5,
        ),
        Layout(
            name="mm80", page=(80, 100), card=(72, 92), columns=1, rows=1, left=4, top=0, feed=8, qr=34, pad=(0, 2),
            foot=0, small=8, body=10, title=14, code=19,
        ),
        Layout(
            name="mm58", page=(58, 90), card=(48, 82), columns=1, rows=1, left=5, top=0, feed=8, qr=30, pad=(0, 2),
            foot=0, small=7, body=9, title=12, code=15,
        ),
    )
}  # fmt: skip
DEFAULT = "a4-40"
