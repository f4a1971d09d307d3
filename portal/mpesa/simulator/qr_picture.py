"""A QR code as a PNG: version 5, level L, byte mode, mask 0, which takes 106 bytes. Pure; only as much as the QR API needs.

Source: ISO/IEC 18004. One fixed version keeps it short: one block of 108 data and 26 correction codewords, no version bits.
"""

import struct
import zlib

CAPACITY = 106
_SIDE = 37
_DATA, _CORRECTION = 108, 26
_QUIET = 4
# Level L and mask 0, with their BCH code and XOR mask, most significant bit first.
_FORMAT = 0b111011111000100


def qr_png(content: bytes, size: int) -> bytes:
    """A square grey picture of `size` pixels, at least one per module. ValueError over 106 bytes."""
    if len(content) > CAPACITY:
        raise ValueError("too long for this QR code")
    modules = _drawn(_codewords(content))
    scale = max(1, size // (_SIDE + 2 * _QUIET))
    side = max(size, _SIDE + 2 * _QUIET)
    margin = (side - _SIDE * scale) // 2
    white = b"\xff" * side
    lines = [white] * margin
    for row in modules:
        middle = b"".join((b"\x00" if dark else b"\xff") * scale for dark in row)
        line = b"\xff" * margin + middle
        lines += [line + b"\xff" * (side - len(line))] * scale
    lines += [white] * (side - len(lines))
    pixels = b"".join(b"\x00" + line for line in lines)
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _codewords(content: bytes) -> bytes:
    """Mode, length, bytes, terminator, padding; then the Reed-Solomon remainder."""
    bits = (0b0100 << 8 | len(content)) << 8 * len(content) | int.from_bytes(content, "big")
    data = (bits << 4).to_bytes(len(content) + 2, "big")
    data += bytes((0xEC, 0x11)[index % 2] for index in range(_DATA - len(data)))
    return data + _remainder(data)


def _remainder(data: bytes) -> bytes:
    exp, log = [1], [0] * 256
    for power in range(254):
        value = exp[-1] << 1
        exp.append(value ^ 0x11D if value > 255 else value)
        log[exp[-1]] = power + 1

    def times(left: int, right: int) -> int:
        return exp[(log[left] + log[right]) % 255] if left and right else 0

    generator = [1]
    for power in range(_CORRECTION):
        grown = [*generator, 0]
        for index, factor in enumerate(generator):
            grown[index + 1] ^= times(factor, exp[power])
        generator = grown
    rest = [0] * _CORRECTION
    for byte in data:
        lead = byte ^ rest[0]
        rest = [old ^ times(factor, lead) for old, factor in zip([*rest[1:], 0], generator[1:], strict=True)]
    return bytes(rest)


def _drawn(codewords: bytes) -> list[list[bool]]:
    cells: list[list[bool | None]] = [[None] * _SIDE for _ in range(_SIDE)]
    _draw_patterns(cells)
    stream = [bool(byte >> bit & 1) for byte in codewords for bit in range(7, -1, -1)]
    position = 0
    for right in range(_SIDE - 1, 0, -2):
        # Column 6 is the timing pattern: left of it the pairs shift by one.
        first = right if right > 6 else right - 1
        goes_up = (_SIDE - 1 - right) // 2 % 2 == 0
        for step in range(_SIDE):
            y = _SIDE - 1 - step if goes_up else step
            for x in (first, first - 1):
                if cells[y][x] is None:
                    dark = position < len(stream) and stream[position]
                    cells[y][x] = dark ^ ((x + y) % 2 == 0)
                    position += 1
    return [[bool(cell) for cell in row] for row in cells]


def _draw_patterns(cells: list[list[bool | None]]) -> None:
    for corner_x, corner_y in ((3, 3), (_SIDE - 4, 3), (3, _SIDE - 4)):
        _draw_rings(cells, corner_x, corner_y, reach=4, light=(2, 4))
    for index in range(8, _SIDE - 8):
        cells[6][index] = cells[index][6] = index % 2 == 0
    _draw_rings(cells, 30, 30, reach=2, light=(1,))
    cells[_SIDE - 8][8] = True
    bits = [bool(_FORMAT >> (14 - index) & 1) for index in range(15)]
    around = [(index, 8) for index in (0, 1, 2, 3, 4, 5, 7, 8)] + [(8, y) for y in (7, 5, 4, 3, 2, 1, 0)]
    apart = [(8, _SIDE - 1 - index) for index in range(7)] + [(_SIDE - 8 + index, 8) for index in range(8)]
    for places in (around, apart):
        for (x, y), dark in zip(places, bits, strict=True):
            cells[y][x] = dark


def _draw_rings(
    cells: list[list[bool | None]], middle_x: int, middle_y: int, *, reach: int, light: tuple[int, ...]
) -> None:
    for y in range(max(0, middle_y - reach), min(_SIDE, middle_y + reach + 1)):
        for x in range(max(0, middle_x - reach), min(_SIDE, middle_x + reach + 1)):
            cells[y][x] = max(abs(x - middle_x), abs(y - middle_y)) not in light
