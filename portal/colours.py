"""Whether a colour can be read, and which near it can. Pure.

Contrast as WCAG 2.2 counts it ("relative luminance", "contrast ratio"): texts of any size need 4.5, shapes 3."""

import colorsys
import re

import msgspec

TEXT = 4.5
WHITE, NIGHT = "#ffffff", "#171d1a"
#: The darkest ground of the bright pages, the brightest of the dark ones: what is readable there is readable on all.
_BRIGHT_GROUND, _NIGHT_GROUND = "#f5f7f6", "#171d1a"
_WRITTEN = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)
_STEPS = 200


class Tones(msgspec.Struct, frozen=True, kw_only=True):
    """A colour as pages use it: for texts and buttons, what is written on buttons, and as a faint ground; by day and by night."""

    day: str
    day_ink: str
    day_soft: str
    night: str
    night_ink: str
    night_soft: str


def parse(text: str) -> str | None:
    """ "#0b6b4f" of "0B6B4F", "#0b6b4f" or "#063"; None for what is no colour."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    digits = found[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(char * 2 for char in digits))


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def is_readable(colour: str) -> bool:
    """Whether texts of this colour can be read on our bright pages, and white texts on it."""
    return min(contrast(colour, _BRIGHT_GROUND), contrast(WHITE, colour)) >= TEXT


def nearest_readable(colour: str) -> str:
    """The colour itself, or the brightest of its hue that is readable."""
    return colour if is_readable(colour) else _shaded(colour, _BRIGHT_GROUND, towards=0.0)


def tones(accent: str) -> Tones:
    """All that is needed of a readable accent. By night it is lightened until it can be read there."""
    night = accent if contrast(accent, _NIGHT_GROUND) >= TEXT else _shaded(accent, _NIGHT_GROUND, towards=1.0)
    ink = _mixed(accent, "#000000", 0.3)
    return Tones(
        day=accent,
        day_ink=WHITE,
        day_soft=_mixed(accent, WHITE, 0.12),
        night=night,
        night_ink=ink if contrast(ink, night) >= TEXT else "#000000",
        night_soft=_mixed(night, NIGHT, 0.16),
    )


def _shaded(colour: str, ground: str, *, towards: float) -> str:
    """The nearest lightness of this hue, going towards black (0) or white (1), that is readable on the ground."""
    hue, light, saturation = colorsys.rgb_to_hls(*(part / 255 for part in _parts(colour)))
    for step in range(1, _STEPS + 1):
        tried = _of_hls(hue, light + (towards - light) * step / _STEPS, saturation)
        if contrast(tried, ground) >= TEXT and (towards or contrast(WHITE, tried) >= TEXT):
            return tried
    return _of_hls(hue, towards, saturation)


def _of_hls(hue: float, light: float, saturation: float) -> str:
    return _written(*(round(part * 255) for part in colorsys.hls_to_rgb(hue, light, saturation)))


def _mixed(colour: str, ground: str, share: float) -> str:
    pairs = zip(_parts(colour), _parts(ground), strict=True)
    return _written(*(round(one * share + other * (1 - share)) for one, other in pairs))


def _written(red: int, green: int, blue: int) -> str:
    return f"#{red:02x}{green:02x}{blue:02x}"


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
