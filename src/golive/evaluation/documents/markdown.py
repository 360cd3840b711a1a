"""Markdown: headings, tables and lists from values. Every text that is not Markdown already is made harmless."""

import html
import re
import unicodedata
from collections.abc import Sequence

_DROPPED = {"Cc", "Cs", "Co", "Cn"}
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Signs that turn the direction of what follows, so that a text reads as another one."""
_MARKS = re.compile(r"([\\`*_\[\]|~$!{}])")
_LINKS = {"@": "&#64;", "#": "&#35;", "://": "&#58;//", "www.": "www&#46;"}
"""What many renderers make a link or a mention of."""


class Markdown(str):
    """Text that is Markdown already and must not be escaped again."""

    __slots__ = ()


def plain(text: object) -> str:
    """Give a text as one line of printable characters."""
    kept = (
        " " if sign.isspace() else sign
        for sign in str(text)
        if sign.isspace() or (sign not in _TURNING and unicodedata.category(sign) not in _DROPPED)
    )
    return " ".join("".join(kept).split())


def escape(text: object) -> Markdown:
    """Make a text safe to stand anywhere in Markdown: it is shown as it is and starts or ends nothing."""
    if isinstance(text, Markdown):
        return text
    safe = _MARKS.sub(r"\\\1", html.escape(plain(text), quote=False))
    for sign, written in _LINKS.items():
        # An entity that escaping has just made holds no sign of these.
        safe = safe.replace(sign, written)
    safe = re.sub(r"^([-+=])", r"\\\1", safe)
    return Markdown(re.sub(r"^(\d{1,9})([.)])(?=\s|$)", r"\1\\\2", safe))


def join(*children: object, between: str = "") -> Markdown:
    """Put pieces one after another; what is empty is left out."""
    return Markdown(between.join(escape(child) for child in children if str(child)))


def code(text: str) -> Markdown:
    """Write a name that holds no other signs than those of a path, in the letters of a program."""
    return Markdown(f"`{re.sub(r'[^A-Za-z0-9_.:@ /,<>=()+-]', '_', text).strip() or '_'}`")


def bold(text: object) -> Markdown:
    """Write a text in bold."""
    return Markdown(f"**{escape(text)}**")


def heading(level: int, text: object) -> Markdown:
    """Write a heading of level 1 to 6."""
    return Markdown(f"{'#' * level} {escape(text)}")


def bullets(items: Sequence[object]) -> Markdown:
    """Write a list; empty where there is nothing."""
    return Markdown("\n".join(f"- {escape(item)}" for item in items if str(item)))


def quote(*lines: object) -> Markdown:
    """Write a box that stands out."""
    return Markdown("\n>\n".join(f"> {escape(line)}" for line in lines if str(line)))


def table(heads: Sequence[object], rows: Sequence[Sequence[object]]) -> Markdown:
    """Write a table; empty where it has no rows."""
    if not rows:
        return Markdown()
    lines = [heads, ["---"] * len(heads), *rows]
    return Markdown("\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines))


def fenced(language: str, lines: Sequence[str]) -> Markdown:
    """Write a block of code; a line that would end it is moved to the right."""
    kept = [f"    {line}" if re.match(r" {0,3}```", line) else line for line in lines]
    return Markdown("\n".join((f"```{language}", *kept, "```")))


def page(*blocks: str) -> str:
    """Put blocks under one another, as a whole document."""
    return "\n\n".join(block for block in blocks if block) + "\n"


def _cell(text: object) -> str:
    return "---" if text == "---" else str(escape(text))
