"""A shop's logo from the file somebody chose: read with suspicion, made anew small enough for every page. Nothing of the file
itself is kept: no text in it, no place where a photo was taken."""

import asyncio

import msgspec

from portal.errors import Invalid
from portal.msgid import N_

#: What may be sent; a photo of a phone fits.
MOST_BYTES = 5 * 1024 * 1024
#: What a captive page can carry and stay under its weight.
SMALL_BYTES = 1500
LARGE_BYTES = 60 * 1024
TOO_HEAVY = N_("This file is larger than 5 MB. Choose a smaller picture.")
NO_PICTURE = N_("We cannot read this file as a picture. Choose a PNG, JPEG or WebP file.")
TOO_LARGE = N_("This picture has more than 16 million dots. Choose a smaller one.")
_MOST_DOTS = 16_000_000
#: Twice what the captive page shows, for sharp screens; and what paper needs.
_SMALL, _LARGE = (144, 72), (600, 240)
_one_at_a_time = asyncio.Semaphore(1)


class Logo(msgspec.Struct, frozen=True, kw_only=True):
    """The same picture twice, as PNG: for captive pages, with its size in pixels, and for paper."""

    small: bytes
    wide: int
    high: int
    large: bytes


async def read(file: bytes) -> Logo:
    """Make a logo of a file; Invalid, naming the field `logo`, when it is too large or no picture. One at a time, off the loop."""
    if len(file) > MOST_BYTES:
        raise Invalid({"logo": TOO_HEAVY})
    async with _one_at_a_time:
        return await asyncio.to_thread(_read, file)


def _read(file: bytes) -> Logo:
    from portal import pictures  # noqa: PLC0415 - Pillow is loaded with the first logo: memory

    try:
        picture = pictures.opened(file, most_dots=_MOST_DOTS, about=_LARGE)
        large, _ = pictures.as_png(picture, box=_LARGE, most_bytes=LARGE_BYTES)
        small, (wide, high) = pictures.as_png(picture, box=_SMALL, most_bytes=SMALL_BYTES)
    except pictures.TooManyDots as error:
        raise Invalid({"logo": TOO_LARGE}) from error
    except pictures.NoPicture as error:
        raise Invalid({"logo": NO_PICTURE}) from error
    return Logo(small=small, wide=wide, high=high, large=large)
