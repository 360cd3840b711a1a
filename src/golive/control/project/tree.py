"""Text of golive.yaml in, a tree with line numbers out.

Scalars are read by the core schema of YAML 1.2.2 (section 10.3.2), as editors read them: only ``true`` and
``false`` are bools, ``1e-9`` is a number, and ``yes``, ``on`` or ``2024-01-31`` are texts. Version 1.1, which
PyYAML follows by default, would turn a column named ``no`` into a bool and a day into a date.
"""

import math
import re
from typing import Any

import yaml

from golive.errors import ProjectError

_LARGEST = 1_000_000
_DEEPEST = 30
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_SAFE = re.compile(r"[A-Za-z_/][\w./-]*( [\w./-]+)*", re.ASCII)
_TAKEN = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_NOT_A_NUMBER = frozenset({".nan", ".NaN", ".NAN"})


class _TextLoader(yaml.SafeLoader):
    """Builds nodes only; every plain scalar stays a text until :func:`scalar` looks at it."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the base class declares it so)


def tree(content: bytes, name: str) -> yaml.Node:
    """Parse the text of a project file, called ``name`` in messages, into nodes.

    Raises:
        ProjectError: it is not UTF-8, not YAML, empty, too large or too deep, or it uses tags or aliases.
    """
    if len(content) > _LARGEST:
        message = f"{name} holds {len(content):,} bytes, over the limit of {_LARGEST:,}; is it the right file?"
        raise ProjectError(message)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"{name}:{line}: the byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ProjectError(message) from None
    try:
        _refuse_surprises(text, name)
        node = yaml.compose(text, _TextLoader)
    except yaml.MarkedYAMLError as error:
        raise ProjectError(_syntax(error, name)) from None
    except yaml.YAMLError as error:
        message = f"{name} is not YAML: {' '.join(str(error).split())}"
        raise ProjectError(message) from None
    if node is None:
        message = f"{name} is empty; `golive init` in an empty folder writes one to start from"
        raise ProjectError(message)
    return node


def line_of(node: yaml.Node) -> int:
    """Give the line, counted from 1, on which a node begins."""
    return int(node.start_mark.line) + 1


def scalar(node: yaml.ScalarNode) -> Any:
    """Give the value of a scalar: a text, bool, int, float or None."""
    text = str(node.value)
    if node.style is not None:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    return _number(text)


def reads_as_itself(text: str) -> bool:
    """Say whether a text can stand without quotes: it is read as this very text, here and by YAML 1.1."""
    return _SAFE.fullmatch(text) is not None and text.lower() not in _TAKEN


def _number(text: str) -> int | float | str:
    if _INTEGER.fullmatch(text):
        # CPython refuses longer literals; nothing in a project file needs them.
        return int(text) if len(text) < 300 else math.inf  # noqa: PLR2004
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    return math.nan if text in _NOT_A_NUMBER else text


def _refuse_surprises(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, _TextLoader):
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        if isinstance(event, yaml.AliasEvent):
            message = f"{name}:{line}: the alias *{event.anchor} is not allowed; write the value out"
            raise ProjectError(message)
        tag = getattr(event, "tag", None)
        if tag is not None:
            message = f"{name}:{line}: the tag {tag!r} is not allowed; write a plain value"
            raise ProjectError(message)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            message = f"{name}:{line}: values are nested more than {_DEEPEST} deep; no part of this file needs that"
            raise ProjectError(message)


def _syntax(error: yaml.MarkedYAMLError, name: str) -> str:
    lines = [mark.line + 1 for mark in (error.problem_mark, error.context_mark) if mark is not None]
    place = f"{name}:{lines[0]}" if lines else name
    what = ", ".join(part for part in (error.context, error.problem) if part)
    return f"{place}: this is not YAML: {what}; check indentation (blanks only), colons and quotes near this line"
