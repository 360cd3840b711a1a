"""Spelling: a text as a careless sender would write it."""

from collections.abc import Callable, Collection

from golive.ports import Column, Int64

_PRINTABLE = range(0x21, 0x7F)
_FULL_WIDTH = 0xFEE0
_WORDS_TO_AN_ERROR = 5

Respell = Callable[[str, int], str]
"""A text and one of some variants (0, 1, 2, ...) in, the changed text out."""


def misspelt(text: str, variant: int) -> str:
    """Swap two letters, drop one or double one: once in a short text, once in every five words of a long one."""
    words = text.split(" ")
    for start in range(0, len(words), _WORDS_TO_AN_ERROR):
        part = range(start, min(start + _WORDS_TO_AN_ERROR, len(words)))
        longest = max(part, key=lambda place: len(words[place]))
        words[longest] = _misspelt_word(words[longest], variant)
    return " ".join(words)


def other_case(text: str, variant: int) -> str:
    """Write it in capitals, or in small letters where it already is in capitals or every other time."""
    changed = text.lower() if variant % 2 else text.upper()
    return (text.upper() if variant % 2 else text.lower()) if changed == text else changed


def spaced(text: str, variant: int) -> str:
    """Add a blank, a no-break space or a tab before or after it."""
    return (text + " ", " " + text, text + "\u00a0", text + "\t")[variant % 4]


def encoded(text: str, variant: int) -> str:
    """Write it in full-width letters, or as UTF-8 read as Latin-1 (where that is the same: with a byte order mark)."""
    if variant % 2 == 0:
        return "".join(chr(ord(sign) + _FULL_WIDTH) if ord(sign) in _PRINTABLE else sign for sign in text)
    return "\ufeff" + text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")


def never_seen(known: Collection[str]) -> str:
    """Make a text that is none of the known ones."""
    text = "never seen"
    while text in known:
        text += " before"
    return text


def respelt(column: Column, rows: Int64, respell: Respell, variants: Int64) -> Column:
    """Change the texts of some rows (places) of a column by their variants; missing ones stay."""
    changed = column.copy()
    memory: dict[tuple[str, int], str] = {}
    for row in rows.tolist():
        text = column[row]
        if text is None:
            continue
        key = (text, int(variants[row]))
        if key not in memory:
            memory[key] = respell(*key)
        changed[row] = memory[key]
    return changed


def _misspelt_word(word: str, variant: int) -> str:
    if len(word) < 2:  # noqa: PLR2004  nothing to swap
        return word + word
    place = (variant * 7 + len(word)) % (len(word) - 1)
    before, first, second, after = word[:place], word[place], word[place + 1], word[place + 2 :]
    if variant % 3 == 0 and first != second:
        return before + second + first + after
    return before + second + after if variant % 3 == 1 and first != second else before + first + first + second + after
