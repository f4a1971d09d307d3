"""Choosing how a merchant's pages look to customers: a colour, a logo, words of its own. The value itself: `portal.look`."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal import colours
from portal.db import DB, atomic
from portal.errors import Invalid
from portal.i18n import NAMES
from portal.identity import Actor
from portal.logos import Logo
from portal.msgid import N_
from portal.routers.rights import changer, named
from portal.states import note

NO_COLOUR = N_("Write a colour like #0b6b4f.")
TOO_LONG = N_("Write at most 160 letters.")
#: What may be said in each language: beside the packages, and at the foot of each page.
KINDS_OF_WORDS = ("welcome", "terms")
MOST_LETTERS = 160


class TooPale(Invalid):
    """The colour cannot be read; `nearest` is the nearest that can."""

    def __init__(self, nearest: str = "") -> None:
        super().__init__({"accent": N_("White letters on this colour are hard to read.")})
        self.nearest = nearest


async def logo_for_paper(merchant_id: int) -> bytes:
    """The larger PNG; b"" for none."""
    return await DB.value("SELECT logo_print FROM brandings WHERE merchant_id = $1", merchant_id) or b""


async def change(
    actor: Actor, *, accent: str, words: Mapping[str, Mapping[str, str]], logo: Logo | None, is_logo_removed: bool,
    now: datetime,
) -> None:  # fmt: skip
    """Keep colour, words and a new logo (None: as it is). For owners and managers; Invalid (TooPale) names the field."""
    merchant_id = changer(actor)
    colour, said = _colour(accent), _words(words)
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO brandings (merchant_id, accent, words, changed_at) VALUES ($1, $2, $3::jsonb, $4)
               ON CONFLICT (merchant_id) DO UPDATE SET accent = $2, words = $3::jsonb, changed_at = $4""",
            merchant_id,
            colour,
            msgspec.json.encode(said).decode(),
            now,
        )
        if logo is not None or is_logo_removed:
            made = (logo.small, logo.wide, logo.high, logo.large) if logo else (None, None, None, None)
            await tx.execute(
                "UPDATE brandings SET logo = $2, logo_wide = $3, logo_high = $4, logo_print = $5 WHERE merchant_id = $1",
                merchant_id,
                *made,
            )
        told = {"accent": colour, "logo": "new" if logo else "removed" if is_logo_removed else "kept"}
        await note(
            tx, "merchants", merchant_id, "branding", merchant_id=merchant_id, at=now, actor=named(actor), data=told
        )


def _colour(typed: str) -> str:
    if not typed.strip():
        return ""
    colour = colours.parse(typed)
    if colour is None:
        raise Invalid({"accent": NO_COLOUR})
    if not colours.is_readable(colour):
        raise TooPale(colours.nearest_readable(colour))
    return colour


def _words(typed: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    wrong: dict[str, str] = {}
    said: dict[str, dict[str, str]] = {}
    for language in NAMES:
        for kind in KINDS_OF_WORDS:
            text = " ".join(
                "".join(char if char.isprintable() else " " for char in typed.get(language, {}).get(kind, "")).split()
            )
            if len(text) > MOST_LETTERS:
                wrong[f"{kind}_{language}"] = TOO_LONG
            elif text:
                said.setdefault(language, {})[kind] = text
    if wrong:
        raise Invalid(wrong)
    return said
