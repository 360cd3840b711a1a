"""How CatBoost names categories: a text by 32 bits of its CityHash64, a combination by multiplying on.

CityHash64 is Google's hash of strings (G. Pike and J. Alakuijala, 2011), in its version 1.0, which later ones differ
from. A model file holds such hashes instead of the texts.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

UInt64 = npt.NDArray[np.uint64]

WORD = (1 << 64) - 1
K0, K1, K2, K3 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F, 0xC949D7C7509E6557
MIXER = 0x9DDFEA08EB382D69
MULTIPLIER = 0x4906BA494954CB65
"""What CatBoost multiplies with for each part of a combination."""
CHUNK = 64
SIGN, SPAN = 1 << 31, 1 << 32


def category_hash(text: str) -> int:
    """Give the signed 32-bit number that stands for a category in a model."""
    low = city_hash(text.encode()) % SPAN
    return low - SPAN if low >= SIGN else low


def combined(parts: Sequence[UInt64]) -> UInt64:
    """Hash combinations: one array a part, of shapes that numpy broadcasts; negative hashes are sign-extended."""
    factor = np.uint64(MULTIPLIER)
    result = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            result = factor * (result + factor * part)
    return result


def city_hash(data: bytes) -> int:
    """Give CityHash64 1.0 of some bytes, an unsigned number of 64 bits."""
    size = len(data)
    if size > CHUNK:
        return _long(data)
    if size > CHUNK // 2:
        return _half_chunk(data)
    if size > 16:  # noqa: PLR2004 - the lengths at which the hash changes its method
        return _short(data)
    return _tiny(data)


def _tiny(data: bytes) -> int:
    size = len(data)
    if size > 8:  # noqa: PLR2004
        first, last = _eight(data, 0), _eight(data, size - 8)
        return _mixed(first, _turned(last + size, size)) ^ last
    if size >= 4:  # noqa: PLR2004
        return _mixed(size + (_four(data, 0) << 3), _four(data, size - 4))
    if not size:
        return K2
    edges = data[0] + (data[size >> 1] << 8)
    return _shifted((edges * K2 ^ (size + (data[-1] << 2)) * K3) & WORD) * K2 & WORD


def _short(data: bytes) -> int:
    size = len(data)
    a, b = _eight(data, 0) * K1, _eight(data, 8)
    c, d = _eight(data, size - 8) * K2, _eight(data, size - 16) * K0
    return _mixed(_turned(a - b, 43) + _turned(c, 30) + d, a + _turned(b ^ K3, 20) - c + size)


def _half_chunk(data: bytes) -> int:
    size = len(data)
    last = _eight(data, size - 16)
    first_sum, first_mix = _folded(data, 0, _eight(data, 0) + (size + last) * K0, _eight(data, 24))
    start = _eight(data, 16) + _eight(data, size - 32)
    second_sum, second_mix = _folded(data, size - 32, start, _eight(data, size - 8))
    turned = _shifted((first_sum + second_mix) * K2 + (second_sum + first_mix) * K0)
    return _shifted(turned * K0 + first_mix) * K2 & WORD


def _folded(data: bytes, at: int, start: int, end: int) -> tuple[int, int]:
    middle = start + _eight(data, at + 8)
    total = middle + _eight(data, at + 16)
    turned = _turned(start, 37) + _turned(middle, 7) + _turned(start + end, 52) + _turned(total, 31)
    return (total + end) & WORD, turned & WORD


def _long(data: bytes) -> int:
    size = len(data)
    x, y, z = _eight(data, 0), _eight(data, size - 16) ^ K1, _eight(data, size - 56) ^ K0
    v = _weak(data, size - 64, size, y)
    w = _weak(data, size - 32, size * K1, K0)
    z += _shifted(v[1]) * K1
    x, y = _turned(z + x, 39) * K1, _turned(y, 33) * K1
    for at in range(0, (size - 1) // CHUNK * CHUNK, CHUNK):
        x = _turned(x + y + v[0] + _eight(data, at + 16), 37) * K1 & WORD
        y = _turned(y + v[1] + _eight(data, at + 48), 42) * K1 & WORD
        x ^= w[1]
        y ^= v[0]
        z = _turned((z & WORD) ^ w[0], 33)
        v = _weak(data, at, v[1] * K1, x + w[0])
        w = _weak(data, at + 32, z + w[1], y)
        z, x = x, z
    return _mixed(_mixed(v[0], w[0]) + _shifted(y) * K1 + z, _mixed(v[1], w[1]) + x)


def _weak(data: bytes, at: int, a: int, b: int) -> tuple[int, int]:
    first, second, third, fourth = (_eight(data, at + step) for step in (0, 8, 16, 24))
    a += first
    b = _turned(b + a + fourth, 21)
    total = a + second + third
    return (total + fourth) & WORD, (b + _turned(total, 44) + a) & WORD


def _mixed(low: int, high: int) -> int:
    low, high = low & WORD, high & WORD
    first = _shifted((low ^ high) * MIXER)
    return _shifted((high ^ first) * MIXER) * MIXER & WORD


def _shifted(value: int) -> int:
    value &= WORD
    return value ^ value >> 47


def _turned(value: int, bits: int) -> int:
    value &= WORD
    return (value >> bits | value << (64 - bits)) & WORD


def _eight(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _four(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
