"""Logos: whatever is sent becomes a small clean PNG, or is refused in words."""

import io
import random

import pytest
from PIL import Image

from portal import logos
from portal.errors import Invalid


def noise(wide: int, high: int, kind: str = "PNG", *, exif: bytes = b"") -> bytes:
    """The worst picture to make small."""
    out = io.BytesIO()
    dots = Image.frombytes("RGB", (wide, high), random.Random(7).randbytes(wide * high * 3))
    dots.save(out, kind, **({"exif": exif} if exif else {}))
    return out.getvalue()


def drawn(wide: int = 400, high: int = 100) -> bytes:
    """A plain logo with an empty border."""
    picture = Image.new("RGBA", (wide + 80, high + 80), (0, 0, 0, 0))
    picture.paste((11, 107, 79, 255), (40, 40, 40 + wide, 40 + high))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_even_noise_becomes_small_enough(kind: str) -> None:
    made = await logos.read(noise(500, 400, kind))
    assert len(made.small) <= logos.SMALL_BYTES
    assert len(made.large) <= logos.LARGE_BYTES
    with Image.open(io.BytesIO(made.small)) as small:
        assert (small.format, small.size) == ("PNG", (made.wide, made.high))


async def test_the_empty_border_is_cut_and_the_shape_stays() -> None:
    made = await logos.read(drawn())
    assert made.wide / made.high == pytest.approx(4, rel=0.05)
    assert made.wide == 144


async def test_nothing_of_the_file_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    made = await logos.read(noise(300, 300, "JPEG", exif=exif.tobytes()))
    for png in (made.small, made.large):
        assert b"taken" not in png
        assert b"eXIf" not in png


async def test_a_photo_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = await logos.read(noise(400, 100, "JPEG", exif=exif.tobytes()))
    assert made.high > made.wide


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"", logos.NO_PICTURE),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", logos.NO_PICTURE),
        (b"GIF89a" + bytes(50), logos.NO_PICTURE),
        (drawn()[:200], logos.NO_PICTURE),
        (bytes(logos.MOST_BYTES + 1), logos.TOO_HEAVY),
    ],
    ids=["nothing", "svg", "broken", "half", "heavy"],
)
async def test_what_is_no_picture_is_refused_by_name(file: bytes, sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        await logos.read(file)
    assert caught.value.fields == {"logo": sentence}


@pytest.mark.parametrize("side", [4_100, 30_000], ids=["our limit", "a bomb"])
async def test_a_small_file_of_endless_dots_is_not_unpacked(side: int) -> None:
    out = io.BytesIO()
    Image.new("1", (side, side)).save(out, "PNG", optimize=True)
    assert len(out.getvalue()) < logos.MOST_BYTES
    with pytest.raises(Invalid) as caught:
        await logos.read(out.getvalue())
    assert caught.value.fields == {"logo": logos.TOO_LARGE}
