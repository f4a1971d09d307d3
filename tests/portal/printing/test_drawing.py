"""PDFs as they come out: every code square is read by a machine, every word stands where it did, on each paper and in both languages."""

import io
import json
import os
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from portal import codes, i18n
from portal.printing import cards as cards_text
from portal.printing import drawing, squares
from portal.printing.layouts import LAYOUTS, Layout
from portal.printing.sheets import Card, Sheet

SNAPSHOTS = Path(__file__).parent / "snapshots.json"
ADDRESS = "HTTPS://WIFI.KILIMANI.CO.KE/V/7TB4XQ2"
CSS = Path(drawing.__file__).parents[1] / "static" / "print.css"
MM = 72 / 25.4


WORDS = {
    "en": {
        "help": "Help: 0700 000 000",
        "how_code": "Join the Wi-Fi. Scan the square, or type the code on the page that opens.",
        "how_reference": "Pay first: the code comes by SMS. Then join the Wi-Fi and scan the square.",
        "pay": "M‑PESA Pay Bill 174379, account no.",
    },
    "sw": {
        "help": "Msaada: 0700 000 000",
        "how_code": "Jiunge na Wi-Fi. Changanua mraba, au andika msimbo kwenye ukurasa unaofunguka.",
        "how_reference": "Lipa kwanza: msimbo unakuja kwa SMS. Kisha jiunge na Wi-Fi na uchanganue mraba.",
        "pay": "M‑PESA Pay Bill 174379, nambari ya akaunti",
    },
}


@pytest.mark.parametrize("language", ["en", "sw"])
def test_the_words_tried_here_are_those_of_the_catalogue(language: str) -> None:
    say = i18n.language(language).gettext
    messages = {
        "help": cards_text.HELP,
        "how_code": cards_text.HOW_CODE,
        "how_reference": cards_text.HOW_REFERENCE,
        "pay": cards_text.PAY_BILL,
    }
    filled = {"phone": "0700 000 000", "number": "174379"}
    assert {name: say(text) % filled if "%" in text else say(text) for name, text in messages.items()} == WORDS[
        language
    ]


def sheet(layout: str, *, merchant: str = "Kilimani Corner", language: str = "en", **others: Any) -> Sheet:
    plain = {"layout": layout, "language": language, "merchant": merchant, "address": ADDRESS, "title": merchant}
    return Sheet(**(plain | WORDS[language] | others))


def card(which: int, /, *, length: int = 10, title: str = "1 day", **others: Any) -> Card:
    """The same code for the same number, always."""
    body = "".join(codes.ALPHABET[(which * 7 + place * place * 3 + 5) % 31] for place in range(length))
    plain = {"id": which, "title": title, "price": "KES 50", "line": "5 Mbps, 1 device", "valid": "Use by 20 Dec 2026", "number":
             codes.print_code(body), "secret": body, "mark": f"AB{which:06d}"[:8], "shows_code": True}  # fmt: skip
    return Card(**(plain | others))


def reference(number: int) -> Card:
    return card(number, number=f"RF{number:06d}", secret="", mark="", shows_code=False, valid="")


@cache
def _pdf(shared: Sheet, cards: tuple[Card, ...]) -> bytes:
    file = io.BytesIO()
    made = drawing.Drawing(shared, file)
    for each in cards:
        made.add(each)
    made.finish()
    return file.getvalue()


def read_squares(pdf: bytes, *, dpi: int = 203) -> list[str]:
    """What a machine reads on all pages: 203 dots an inch is what till printers have."""
    found: list[str] = []
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            picture = page.render(scale=dpi / 72, grayscale=True).to_pil()
            found += [each.text for each in zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)]
    return found


def words_of(pdf: bytes, page: int = 0) -> list[tuple[str, float, float]]:
    """Each piece of text with where it begins, in millimetres from the upper left."""
    with pypdfium2.PdfDocument(pdf) as document:
        sheet_of_paper = document[page]
        high, text = sheet_of_paper.get_height(), sheet_of_paper.get_textpage()
        boxes = [text.get_rect(index) for index in range(text.count_rects())]
        return [(text.get_text_bounded(*box), round(box[0] / MM, 1), round((high - box[3]) / MM, 1)) for box in boxes]


@pytest.mark.parametrize("layout", list(LAYOUTS))
@pytest.mark.parametrize("length", [10, 16])
def test_a_machine_reads_every_square(layout: str, length: int) -> None:
    cards = [card(number, length=length) for number in range(LAYOUTS[layout].a_page + 3)]
    found = read_squares(_pdf(sheet(layout), tuple(cards)))
    assert sorted(found) == sorted(f"{ADDRESS}#{each.secret}" for each in cards)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_what_is_not_paid_for_has_no_code_in_its_square_or_text(layout: str) -> None:
    pdf = _pdf(sheet(layout), (reference(1),))
    assert read_squares(pdf) == [ADDRESS]
    text = " ".join(word for word, _, _ in words_of(pdf))
    assert "RF000001" in text
    assert "Pay Bill 174379" in text


@pytest.mark.parametrize("language", ["en", "sw"])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_words_stand_where_they_stood(layout: str, language: str) -> None:
    pdf = _pdf(
        sheet(layout, language=language),
        (card(1), card(2, length=16, title="Unlimited weekend for the whole family"), reference(3)),
    )
    pages = range(1 if LAYOUTS[layout].a_page > 1 else 3)
    seen = [[list(word) for word in words_of(pdf, page)] for page in pages]
    name, kept = f"{layout}-{language}", json.loads(SNAPSHOTS.read_text()) if SNAPSHOTS.exists() else {}
    if os.environ.get("VOCHA_DRAW"):
        lines = ",\n".join(
            f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
            for key, value in sorted((kept | {name: seen}).items())
        )
        SNAPSHOTS.write_text(f"{{\n{lines}\n}}\n")
        kept[name] = seen
    assert seen == kept[name], "VOCHA_DRAW=1 keeps what it draws now; look at it first"


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_nothing_leaves_its_card_however_long_the_names_are(layout: str) -> None:
    shape = LAYOUTS[layout]
    long = "W" * 60
    shared = sheet(layout, merchant="M " * 40, help="Help: +254 700 000 000 000", pay="Pay here " * 20)
    pdf = _pdf(
        shared,
        (card(1, title=long, price="KES 1,000,000", line=long, length=16), card(2, title="W " * 30), reference(3)),
    )
    wide = shape.left + shape.card[0] * min(3, shape.columns)
    for page in range(1 if shape.a_page > 1 else 3):
        for word, x, y in words_of(pdf, page):
            assert shape.left - 0.2 <= x <= wide, word
            assert y <= shape.top + shape.card[1], word
    assert len(read_squares(pdf)) == 3


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_a_logo_leaves_room_for_all_that_must_be_read(layout: str) -> None:
    logo = io.BytesIO()
    Image.new("RGB", (400, 120), "black").save(logo, "PNG")
    plain, marked = (
        _pdf(sheet(layout, logo=picture), (card(1, title="Unlimited weekend for the whole family"), reference(2)))
        for picture in (b"", logo.getvalue())
    )
    assert sorted(read_squares(marked)) == sorted(read_squares(plain))
    with pypdfium2.PdfDocument(marked) as document:
        assert [each.type for each in document[0].get_objects()].count(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE) >= 1
    shape = LAYOUTS[layout]
    for page in range(1 if shape.a_page > 1 else 2):
        assert {"KES", "50"} <= set(" ".join(word for word, _, _ in words_of(marked, page)).split())
        assert all(y <= shape.top + shape.card[1] for _, _, y in words_of(marked, page))


def test_no_card_makes_one_empty_page_and_ten_thousand_make_250() -> None:
    with pypdfium2.PdfDocument(_pdf(sheet("a4-40"), ())) as document:
        assert len(document) == 1
    assert [LAYOUTS["a4-40"].pages(cards) for cards in (0, 1, 40, 41, 10_000)] == [0, 1, 1, 2, 250]


def test_the_same_cards_make_the_same_bytes() -> None:
    once, again = ((_pdf.__wrapped__(sheet("mm58"), (card(1),))) for _ in range(2))
    assert once == again


@pytest.mark.parametrize("name", ["Gĩkũyũ Wĩ-Fi", "مقهى الإنترنت", "Wi-Fi 😀 Hub", "中文 Cafe", "a\u202eb\u0000c", ""])
def test_any_name_can_be_printed(name: str) -> None:
    pdf = _pdf(sheet("a4-40", merchant=name), (card(1, title=name or "1 day"),))
    assert len(read_squares(pdf)) == 1
    text = " ".join(word for word, _, _ in words_of(pdf))
    if name.startswith("G"):
        assert name in text
    if name.startswith("中"):
        assert "□ Cafe" in text


def test_the_browser_prints_the_same_millimetres() -> None:
    css = CSS.read_text()
    for name, shape in LAYOUTS.items():
        rules = " ".join(re.findall(rf"^\.{name} {{([^}}]*)}}", css, re.MULTILINE))
        said = dict(re.findall(r"--([a-z]+): ([\d.]+)(?:mm|pt);", rules))
        page = re.search(rf"@page {name if shape.is_roll else 'a4'} {{ size: (\d+)mm (\d+)mm;", css)
        assert page is not None
        assert (float(page[1]), float(page[2])) == shape.page
        assert {key: float(value) for key, value in said.items() if key in _same(shape)} == _same(shape)


def _same(shape: Layout) -> dict[str, float]:
    both = {"wide": shape.card[0], "high": shape.card[1], "qr": shape.qr, "over": shape.pad[1], "small": shape.small, "body": shape.body,
            "title": shape.title, "code": shape.code}  # fmt: skip
    return both if shape.is_roll else both | {"side": shape.pad[0], "foot": shape.foot}


def test_pages_and_pdf_draw_one_square() -> None:
    matrix = squares.square(ADDRESS, "K7QM2XWP4H")
    dark = {(x, y) for y, row in enumerate(matrix) for x, dot in enumerate(row) if dot}
    seen: set[tuple[float, float]] = set()
    x = y = 0.0
    for dx, dy, length in re.findall(r"m(-?\d+) (-?\d+)h(\d+)", squares.svg_path(matrix)):
        x, y = x + int(dx), y + int(dy)
        seen |= {(x + step, y) for step in range(int(length))}
        x += int(length)
    assert seen == dark
    drawn = re.findall(r"(\d+) (\d+) (\d+) 1 re", squares.pdf_path(matrix))
    assert {(int(a) + step, len(matrix) - 1 - int(b)) for a, b, length in drawn for step in range(int(length))} == dark


def test_fonts_are_the_ones_that_were_written_down() -> None:
    folder = Path(drawing.__file__).parent / "fonts"
    record = (folder / "VENDOR.md").read_text()
    for file in folder.glob("*.ttf"):
        assert f"| SHA-256 of `{file.name}` | `{sha256(file.read_bytes()).hexdigest()}` |" in record
