"""Text as a PDF needs it: in the order and the shapes of the eye. Pure.

Arabic letters take the form their neighbours ask for, right-to-left runs are turned (a short cut of Unicode's bidirectional
algorithm, UAX #9, good for one line without embeddings), and what a font has no picture of becomes a square that everybody sees.
"""

import unicodedata
from collections.abc import Callable, Container
from functools import cache
from itertools import groupby

#: Stands for what cannot be printed.
MISSING = "\u25a1"
#: Joiners, variation selectors, skin tones: they change the picture before them and are none themselves.
_UNSEEN = {*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFE0E, 0xFE0F, 0xFEFF, *range(0x1F3FB, 0x1F400)}
_MIRRORED = {one: other for pair in ("()", "[]", "{}", "<>", "«»") for one, other in (pair, pair[::-1])}
_RIGHT, _LEFT = ("R", "AL"), ("L", "EN", "AN")
Width = Callable[[str], float]


def tidy(text: str, glyphs: Container[int]) -> str:
    """One line without controls and joiners; what has no glyph as `MISSING`, several in a row as one."""
    seen: list[str] = []
    for char in unicodedata.normalize("NFC", " ".join(text.split())):
        if ord(char) in _UNSEEN or unicodedata.category(char) in ("Cc", "Cf", "Cs"):
            continue
        shown = char if ord(char) in glyphs else MISSING
        if shown != MISSING or not seen or seen[-1] != MISSING:
            seen.append(shown)
    return "".join(seen)


def fitted(text: str, most: float, width: Width) -> str:
    """The text, cut with "…" where it is wider than `most`. Cut it before `laid`: the end of a text is where it ends when read."""
    if width(text) <= most:
        return text
    kept = text
    while kept and width(kept.rstrip() + "…") > most:
        kept = kept[:-1]
    return kept.rstrip() + "…" if kept else ""


def lines(text: str, most: float, width: Width, *, count: int) -> list[str]:
    """The text in at most `count` lines, broken between words; the last one is cut."""
    if count <= 0:
        return []
    words, found = text.split(), list[str]()
    while words and len(found) < count - 1:
        taken = 1
        while taken < len(words) and width(" ".join(words[: taken + 1])) <= most:
            taken += 1
        if width(words[0]) > most:
            break
        found.append(" ".join(words[:taken]))
        words = words[taken:]
    return [*found, fitted(" ".join(words), most, width)] if words else found


def laid(text: str, glyphs: Container[int]) -> str:
    """The text in the order it is drawn from left to right, with Arabic letters joined."""
    if not any(unicodedata.bidirectional(char) in _RIGHT for char in text):
        return text
    runs = _runs(_joined(text, glyphs))
    if is_rightward(text):
        runs.reverse()
    return "".join(_turned(run) if rightward else run for rightward, run in runs)


def is_rightward(text: str) -> bool:
    """Whether its first letter with a direction is read from the right."""
    found = next((way for char in text if (way := unicodedata.bidirectional(char)) in ("L", *_RIGHT)), "L")
    return found in _RIGHT


def _runs(text: str) -> list[tuple[bool, str]]:
    """Pieces of one direction each; what has none goes with both its neighbours, or with the whole line."""
    base = is_rightward(text)
    ways: list[bool | None] = []
    for char in text:
        kind = unicodedata.bidirectional(char)
        mark = ways[-1] if kind == "NSM" and ways else None
        ways.append(True if kind in _RIGHT else False if kind in _LEFT else mark)
    for index, way in enumerate(ways):
        if way is None:
            before = ways[index - 1] if index else base
            after = next((later for later in ways[index:] if later is not None), base)
            ways[index] = before if before == after else base
    pieces = groupby(zip(ways, text, strict=True), key=lambda each: each[0])
    return [(bool(way), "".join(char for _, char in piece)) for way, piece in pieces]


def _turned(run: str) -> str:
    """Backwards, marks staying behind their letters and brackets looking the other way."""
    clusters: list[str] = []
    for char in run:
        if clusters and unicodedata.combining(char):
            clusters[-1] += char
        else:
            clusters.append(_MIRRORED.get(char, char))
    return "".join(reversed(clusters))


@cache
def _forms() -> dict[str, dict[str, str]]:
    """Letter → {isolated, initial, medial, final} as Unicode's own presentation forms name them; lam with alef as one letter."""
    found: dict[str, dict[str, str]] = {}
    for number in (*range(0xFB50, 0xFDFC), *range(0xFE70, 0xFEFD)):
        kind, *parts = unicodedata.decomposition(chr(number)).split() or [""]
        base = "".join(chr(int(part, 16)) for part in parts)
        if kind in ("<isolated>", "<initial>", "<medial>", "<final>") and (len(base) == 1 or base[:1] == "\u0644"):
            found.setdefault(base, {}).setdefault(kind[1:-1], chr(number))
    return {base: forms for base, forms in found.items() if len(base) == 1 or base[1] in "\u0622\u0623\u0625\u0627"}


def _joined(text: str, glyphs: Container[int]) -> str:
    """Every Arabic letter in the form its neighbours ask for, where the font has that form."""
    forms = _forms()
    letters: list[str] = []
    for char in text:
        if letters and letters[-1] == "\u0644" and f"\u0644{char}" in forms:
            letters[-1] += char
        else:
            letters.append(char)
    solid = [index for index, letter in enumerate(letters) if not unicodedata.combining(letter[-1])]
    shaped = list(letters)
    for place, index in enumerate(solid):
        own = forms.get(letters[index])
        if own is None:
            continue
        before = letters[solid[place - 1]] if place else ""
        after = letters[solid[place + 1]] if place + 1 < len(solid) else ""
        joins_back = "final" in own and _reaches_on(before, forms)
        joins_on = "initial" in own and _can_be_reached(after, forms)
        kind = ("medial" if joins_on else "final") if joins_back else "initial" if joins_on else "isolated"
        form = own.get(kind, letters[index])
        shaped[index] = form if all(ord(char) in glyphs for char in form) else letters[index]
    return "".join(shaped)


def _reaches_on(letter: str, forms: dict[str, dict[str, str]]) -> bool:
    return letter == "\u0640" or "initial" in forms.get(letter, {})


def _can_be_reached(letter: str, forms: dict[str, dict[str, str]]) -> bool:
    return letter == "\u0640" or "final" in forms.get(letter, {})
