"""Draws cards into a PDF with reportlab. Runs in a process of its own (`portal.printing.child`), so that neither its memory nor its
minutes are the house's. All lengths in points from the bottom left, as PDF has them; layouts are in millimetres."""

import io
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from reportlab import rl_config  # pyright: ignore[reportMissingTypeStubs]
from reportlab.lib.utils import ImageReader  # pyright: ignore[reportMissingTypeStubs]
from reportlab.pdfbase import pdfmetrics  # pyright: ignore[reportMissingTypeStubs]
from reportlab.pdfbase.ttfonts import TTFont  # pyright: ignore[reportMissingTypeStubs]
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs]

from portal.printing import letters, squares
from portal.printing.layouts import LAYOUTS, Layout
from portal.printing.sheets import Card, Sheet

MM = 72 / 25.4
PLAIN, BOLD, MONO = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold", "DejaVuSansMono-Bold"
_FONTS = Path(__file__).parent / "fonts"
#: Lines stand so far apart, in sizes of their letters.
_LEADING = 1.18
_GREY = 0.45
# Pages as plain bytes: writing them in printable letters helps nobody today, and costs a fifth of the size.
rl_config.useA85 = 0


class Drawing:
    """A PDF in the making: `add` every card, then `finish`."""

    def __init__(self, sheet: Sheet, file: BinaryIO) -> None:
        self._sheet, self._layout = sheet, LAYOUTS[sheet.layout]
        self._glyphs = {name: _font(name) for name in (PLAIN, BOLD, MONO)}
        size = (self._layout.page[0] * MM, self._layout.page[1] * MM)
        # Invariant: the same cards make the same bytes, with no date of making in them.
        self._canvas: Any = Canvas(file, pagesize=size, pageCompression=1, invariant=1, lang=sheet.language)
        self._canvas.setTitle(letters.tidy(sheet.title, self._glyphs[PLAIN]))
        self._logo: Any = ImageReader(io.BytesIO(sheet.logo)) if sheet.logo else None
        self._count = 0

    def add(self, card: Card) -> None:
        """Draw the next card; a full page begins another."""
        place = self._count % self._layout.a_page
        if self._count and not place:
            self._canvas.showPage()
        column, row = place % self._layout.columns, place // self._layout.columns
        x = (self._layout.left + column * self._layout.card[0]) * MM
        top = (self._layout.page[1] - self._layout.top - row * self._layout.card[1]) * MM
        Pen(self._canvas, self._glyphs, self._sheet, self._layout, self._logo).draw(card, x, top)
        self._count += 1

    def finish(self) -> None:
        """Write the file; one page says so where there is no card."""
        self._canvas.showPage()
        self._canvas.save()


def _font(name: str) -> Any:
    """Register a font; the code points it has pictures of."""
    font: Any = TTFont(name, str(_FONTS / f"{name}.ttf"))
    pdfmetrics.registerFont(font)
    return font.face.charToGlyph


class Pen:
    """Draws one card."""

    def __init__(self, canvas: Any, glyphs: dict[str, Any], sheet: Sheet, layout: Layout, logo: Any) -> None:
        self._canvas, self._glyphs, self._sheet, self._layout, self._logo = canvas, glyphs, sheet, layout, logo

    def draw(self, card: Card, x: float, top: float) -> None:
        """The card whose upper left corner is there."""
        if self._layout.is_roll:
            self._roll(card, x, top)
        else:
            self._flat(card, x, top)

    def _flat(self, card: Card, x: float, top: float) -> None:
        layout, sheet = self._layout, self._sheet
        wide, high = layout.card[0] * MM, layout.card[1] * MM
        pad_x, pad_y, qr = layout.pad[0] * MM, layout.pad[1] * MM, layout.qr * MM
        self._cut(x, top, wide, high)
        self._square(card, x + wide - pad_x - qr, top - pad_y - qr, qr)
        left, inner, foot = x + pad_x, wide - 2 * pad_x, top - high + layout.foot * MM
        size = _size_for(card.number, inner, layout.code)
        self._beside(card, left, top - pad_y, inner - qr - 1.8 * MM, floor=foot + layout.small * 1.3 + size * 1.05)
        self._text(card.number, left, foot + layout.small * 1.35 + size, inner + 1, font=MONO, size=size)
        small = layout.small
        mark = pdfmetrics.stringWidth(card.mark, MONO, small)
        self._text(sheet.help, left, foot + small, inner - mark - 1, font=PLAIN, size=small)
        self._text(card.mark, left + inner - mark, foot + small, mark + 1, font=MONO, size=small)

    def _beside(self, card: Card, x: float, top: float, wide: float, *, floor: float) -> None:
        """What stands left of the square, in the order of its weight; what has no room above `floor` is left out."""
        layout, sheet = self._layout, self._sheet
        # Where to pay must be read whole: a card that shows a reference has no room for a picture.
        y = self._emblem(x, top, wide) if card.shows_code else top
        y = self._text(sheet.merchant, x, y, wide, font=BOLD, size=layout.body)
        y = self._title(card.title, x, y, wide, most=2 if card.shows_code else 1)
        y = self._text(card.price, x, y, wide, font=BOLD, size=layout.body)
        must = card.valid if card.shows_code else sheet.pay
        rows = int((y - floor) / (layout.small * _LEADING))
        least = min(rows, 1 if card.shows_code else 2) if must else 0
        y = self._text(card.line, x, y, wide, font=PLAIN, size=layout.small, count=rows - least)
        self._text(must, x, y, wide, font=PLAIN, size=layout.small, count=least)

    def _roll(self, card: Card, x: float, top: float) -> None:
        layout, sheet = self._layout, self._sheet
        wide, high = layout.card[0] * MM, layout.card[1] * MM
        middle = partial(self._text, x=x, is_middle=True)
        y = self._emblem(x, top - layout.pad[1] * MM, wide, anchor="c")
        y = middle(sheet.merchant, top=y, wide=wide, font=BOLD, size=layout.body)
        y = self._title(card.title, x, y, wide, is_middle=True)
        y = middle(card.price, top=y, wide=wide, font=BOLD, size=layout.body)
        y = middle(card.line, top=y, wide=wide, font=PLAIN, size=layout.small, count=2)
        qr = layout.qr * MM
        self._square(card, x + (wide - qr) / 2, y - qr - 2 * MM, qr)
        y -= qr + 4 * MM
        if not card.shows_code:
            y = middle(sheet.pay, top=y, wide=wide, font=PLAIN, size=layout.small)
        y = middle(card.number, top=y, wide=wide + 1, font=MONO, size=_size_for(card.number, wide, layout.code))
        how = sheet.how_code if card.shows_code else sheet.how_reference
        y = middle(how, top=y, wide=wide, font=PLAIN, size=layout.small, count=3)
        for words in (card.valid, sheet.help, card.mark):
            y = middle(words, top=y, wide=wide, font=PLAIN, size=layout.small)
        self._canvas.setDash(2, 2)
        self._canvas.line(0, top - high, layout.page[0] * MM, top - high)
        self._canvas.setDash()

    def _title(self, title: str, x: float, top: float, wide: float, *, most: int = 2, is_middle: bool = False) -> float:
        """The package: large on one line, or smaller on `most`."""
        layout = self._layout
        tidy = letters.tidy(title, self._glyphs[BOLD])
        fits = pdfmetrics.stringWidth(tidy, BOLD, layout.title) <= wide
        size, count = (layout.title, 1) if fits else (layout.body, most)
        return self._text(tidy, x, top, wide, font=BOLD, size=size, count=count, is_middle=is_middle)

    def _emblem(self, x: float, top: float, wide: float, *, anchor: str = "w") -> float:
        """The merchant's logo, where there is one; the place below it."""
        if self._logo is None:
            return top
        high = self._layout.title * _LEADING
        self._canvas.drawImage(
            self._logo, x, top - high, wide, high, mask="auto", preserveAspectRatio=True, anchor=anchor
        )
        return top - high - 1

    def _cut(self, x: float, top: float, wide: float, high: float) -> None:
        self._canvas.setLineWidth(0.2 * MM)
        self._canvas.setStrokeGray(_GREY)
        self._canvas.setDash(2, 2)
        self._canvas.rect(x, top - high, wide, high)
        self._canvas.setDash()
        self._canvas.setStrokeGray(0)

    def _square(self, card: Card, x: float, y: float, size: float) -> None:
        """The code square, its own white border being the card's."""
        matrix = squares.square(self._sheet.address, card.secret)
        self._canvas.saveState()
        self._canvas.translate(x, y)
        self._canvas.scale(size / len(matrix), size / len(matrix))
        self._canvas.addLiteral(squares.pdf_path(matrix))
        self._canvas.restoreState()

    def _text(
        self, text: str, x: float, top: float, wide: float, *, font: str, size: float, count: int = 1,
        is_middle: bool = False,
    ) -> float:  # fmt: skip
        """Lines below `top`, cut to `wide`; the place below them."""
        glyphs = self._glyphs[font]
        width: letters.Width = lambda words: pdfmetrics.stringWidth(words, font, size)  # noqa: E731
        tidy = letters.tidy(text, glyphs)
        for line in letters.lines(tidy, wide, width, count=count):
            top -= size * _LEADING
            self._canvas.setFont(font, size)
            baseline = top + size * 0.27
            if is_middle:
                self._canvas.drawCentredString(x + wide / 2, baseline, letters.laid(line, glyphs))
            elif letters.is_rightward(line):
                self._canvas.drawRightString(x + wide, baseline, letters.laid(line, glyphs))
            else:
                self._canvas.drawString(x, baseline, letters.laid(line, glyphs))
        return top


def _size_for(number: str, wide: float, most: float) -> float:
    """The largest letters in which a code fits."""
    return min(most, wide / pdfmetrics.stringWidth(number, MONO, 1))
