"""Markup: HTML elements from values. Every text that is not Markup already is escaped."""

import html
from typing import Any


class Markup(str):
    """Text that is HTML already and must not be escaped again."""

    __slots__ = ()


def escape(child: object) -> Markup:
    """Make a text safe to stand in an element or a quoted attribute."""
    return child if isinstance(child, Markup) else Markup(html.escape(str(child), quote=True))


def join(*children: object) -> Markup:
    """Put pieces one after another."""
    return Markup("".join(map(escape, children)))


def tag(name: str, *children: object, **attributes: Any) -> Markup:
    """Make an element; ``kind`` is its class, and attributes that are None are left out.

    An underscore in an attribute's name stands for a hyphen.
    """
    named = {"class" if key == "kind" else key.replace("_", "-"): value for key, value in attributes.items()}
    written = "".join(f' {key}="{escape(value)}"' for key, value in named.items() if value is not None)
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")
