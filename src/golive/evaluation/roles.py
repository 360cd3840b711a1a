"""Roles: who answered the test rows; Notes: what the parts of an evaluation remark."""

from typing import Any

MODEL, BASELINE, CHAMPION = "", "baseline", "champion"
"""The roles of those who answered the test rows; the model's measures carry no prefix."""

Note = dict[str, Any]
"""``code`` for the report's phrases, the numbers of that phrase, and ``text`` in English.

Where it says why findings of some kinds were not looked for, ``kinds`` lists these.
"""


def note(code: str, text: str, **numbers: Any) -> Note:
    """Make a note."""
    return {"code": code, "text": text.format(**numbers), **numbers}
