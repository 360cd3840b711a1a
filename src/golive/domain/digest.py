"""Digest: the name of some bytes is the hash of those bytes."""

import hashlib
import re
from typing import Any, NewType

import msgspec

Digest = NewType("Digest", str)
"""``sha256:`` followed by 64 lower-case hexadecimal digits."""

_SHAPE = re.compile(r"sha256:[0-9a-f]{64}")


def digest_of(content: bytes | bytearray | memoryview) -> Digest:
    """Name some bytes."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def digest_of_value(value: Any) -> Digest:
    """Name a value by its canonical JSON (sorted keys), so equal values have equal names."""
    return digest_of(msgspec.json.encode(value, order="sorted"))


def is_digest(text: str) -> bool:
    """Say whether a text has the form of a digest."""
    return _SHAPE.fullmatch(text) is not None


def short(digest: str) -> str:
    """Give the first twelve hexadecimal digits, for people."""
    return digest.removeprefix("sha256:")[:12]
