"""Pictures made anew and smaller, with Pillow. Loaded with the first use only: memory. Who may send one: `portal.logos`."""

import io
import warnings
from collections.abc import Iterator

from PIL import Image, ImageOps, UnidentifiedImageError

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_COLOURS = (64, 32, 16, 8, 4)
#: Each try is so much smaller than the one before.
_STEP = 0.85


class NoPicture(ValueError):  # noqa: N818
    """What was sent cannot be read as a picture."""


class TooManyDots(ValueError):  # noqa: N818
    """Reading it would take too much memory."""


def opened(file: bytes, *, most_dots: int, about: tuple[int, int]) -> Image.Image:
    """The picture upright, with transparency, without its empty border; read no larger than `about` where its format allows."""
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(file), formats=_FORMATS) as found:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            if found.width * found.height > most_dots:
                raise TooManyDots
            found.draft("RGB", about)
            upright = ImageOps.exif_transpose(found).convert("RGBA")
    except Image.DecompressionBombError as error:
        raise TooManyDots from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, TooManyDots):
            raise
        raise NoPicture from error
    box = upright.getchannel("A").getbbox()
    return upright.crop(box) if box else upright


def as_png(picture: Image.Image, *, box: tuple[int, int], most_bytes: int) -> tuple[bytes, tuple[int, int]]:
    """The picture inside the box as a PNG of at most so many bytes, and its size: with fewer colours, then smaller, until it fits."""
    for smaller in _sizes(picture, box):
        for colours in _COLOURS:
            out = io.BytesIO()
            few = smaller.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            few.save(out, "PNG", optimize=True)
            if out.tell() <= most_bytes:
                return out.getvalue(), smaller.size
    raise NoPicture


def _sizes(picture: Image.Image, box: tuple[int, int]) -> Iterator[Image.Image]:
    scale = min(1.0, box[0] / picture.width, box[1] / picture.height)
    while True:
        wide, high = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        yield picture.resize((wide, high), Image.Resampling.LANCZOS)
        if (wide, high) == (1, 1):
            return
        scale *= _STEP
