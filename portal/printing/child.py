"""`python -m portal.printing.child`: the process that draws. It reads one JSON line for the sheet and one for each card, and writes
the PDF. It knows no database and no keys; what it is told goes away with it."""

import io
import sys

import msgspec

from portal.printing.drawing import Drawing
from portal.printing.sheets import Card, Sheet


def main() -> None:
    """Draw what comes in until its end."""
    cards, told = msgspec.json.Decoder(Card), sys.stdin.buffer
    page = io.BytesIO()
    drawing = Drawing(msgspec.json.decode(told.readline(), type=Sheet), page)
    for line in told:
        drawing.add(cards.decode(line))
    drawing.finish()
    sys.stdout.buffer.write(page.getbuffer())


if __name__ == "__main__":
    main()
