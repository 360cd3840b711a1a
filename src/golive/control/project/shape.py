"""A tree and a type in; plain values and every mistake of shape out.

The type says what may stand where, so the whole tree is read in one walk and all mistakes come at once.
"""

import math
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final

import msgspec
import yaml
from msgspec import inspect

from golive.control.project.tree import line_of, scalar

Path = tuple[str | int, ...]

BROKEN: Final = object()
"""Stands for a value that had a mistake."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_OLD_BOOLS = frozenset({"yes", "no", "on", "off"})
_LONGEST_SHOWN = 60


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong at one place of the file."""

    path: Path
    line: int
    text: str


class Reading:
    """One walk through a tree: collects the mistakes, and the line of every key and item."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []
        self.lines: dict[Path, int] = {}

    def read(self, node: yaml.Node, kind: inspect.Type, path: Path = ()) -> Any:
        """Give the plain value of a node, or ``BROKEN`` when nothing of it can be used."""
        self.lines.setdefault(path, line_of(node))
        kind = _section(kind)
        if isinstance(kind, inspect.StructType):
            return self._struct(node, kind, path)
        if isinstance(kind, inspect.DictType):
            return self._dict(node, kind, path)
        if isinstance(kind, inspect.VarTupleType):
            return self._list(node, kind, path)
        if isinstance(kind, inspect.AnyType):
            return self._anything(node, path)
        return self._scalar(node, kind, path)

    def line(self, path: Path) -> int:
        """Give the line of a place, or of the nearest place around it that is written in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def add(self, path: Path, text: str) -> None:
        """Note a mistake."""
        self.mistakes.append(Mistake(path, self.line(path), text))

    def is_broken(self, path: Path) -> bool:
        """Say whether a mistake was found at this place, around it or in it."""
        return any(_is_within(mistake.path, path) for mistake in self.mistakes)

    def _struct(self, node: yaml.Node, kind: inspect.StructType, path: Path) -> Any:
        # A heading whose lines are all commented out keeps its defaults.
        if not isinstance(node, yaml.MappingNode) and not _is_empty(node):
            return self._wrong(node, kind, path)
        fields = {field.encode_name: field for field in kind.fields}
        values = {}
        for key, value_node in self._entries(node, path):
            if key not in fields:
                self.add((*path, key), f"unknown key, {_instead_of(key, fields)}")
                continue
            values[key] = self.read(value_node, fields[key].type, (*path, key))
        for name, field in fields.items():
            if field.required and name not in values:
                self.add((*path, name), f"is missing, expected {expected(field.type)}")
        usable = {key: value for key, value in values.items() if value is not BROKEN}
        complete = all(name in usable for name, field in fields.items() if field.required)
        return usable if complete or path == () else BROKEN

    def _dict(self, node: yaml.Node, kind: inspect.DictType, path: Path) -> Any:
        if _is_empty(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            return self._wrong(node, kind, path)
        values = {key: self.read(value, kind.value_type, (*path, key)) for key, value in self._entries(node, path)}
        return {key: value for key, value in values.items() if value is not BROKEN}

    def _list(self, node: yaml.Node, kind: inspect.VarTupleType, path: Path) -> Any:
        if _is_empty(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            return self._wrong(node, kind, path)
        values = [self.read(item, kind.item_type, (*path, index)) for index, item in enumerate(node.value)]
        return [value for value in values if value is not BROKEN]

    def _anything(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {key: self._sub(value, (*path, key)) for key, value in self._entries(node, path)}
        if isinstance(node, yaml.SequenceNode):
            return [self._sub(item, (*path, index)) for index, item in enumerate(node.value)]
        leaf = _as_scalar(node)
        value = scalar(leaf)
        if leaf.style is None and isinstance(value, str) and value.lower() in _OLD_BOOLS:
            self.add(path, f"found {value}, which some read as a bool; write true or false, or quote the text")
            return BROKEN
        return self._finite(value, path)

    def _sub(self, node: yaml.Node, path: Path) -> Any:
        self.lines.setdefault(path, line_of(node))
        return self._anything(node, path)

    def _scalar(self, node: yaml.Node, kind: inspect.Type, path: Path) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return self._wrong(node, kind, path)
        value = scalar(node)
        if not _fits(value, kind):
            return self._wrong(node, kind, path)
        return self._finite(value, path)

    def _finite(self, value: Any, path: Path) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            self.add(path, f"found {value}, expected a finite number")
            return BROKEN
        return value

    def _entries(self, node: yaml.Node, path: Path) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key_node, yaml.ScalarNode):
                self._add_at(path, key_node, "found a list or mapping as a key, expected a text")
                continue
            key = str(key_node.value)
            if key in seen:
                self._add_at((*path, key), key_node, f"is written twice, first on line {seen[key]}; keep one of them")
                continue
            seen[key] = line_of(key_node)
            self.lines[(*path, key)] = line_of(key_node)
            yield key, value_node

    def _wrong(self, node: yaml.Node, kind: inspect.Type, path: Path) -> Any:
        found = shown(node)
        self.add(path, f"found {found}, expected {expected(kind)}{_remedy(node, kind)}")
        return BROKEN

    def _add_at(self, path: Path, node: yaml.Node, text: str) -> None:
        self.mistakes.append(Mistake(path, line_of(node), text))


def expected(kind: inspect.Type) -> str:
    """Say in words what a type allows."""
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _number_words(kind)
    if isinstance(kind, inspect.LiteralType):
        allowed = ", ".join(str(value) for value in kind.values)
        return f"one of {allowed}" if len(kind.values) > 1 else allowed
    if isinstance(kind, inspect.UnionType):
        return " or ".join(expected(each) for each in kind.types)
    if isinstance(kind, inspect.VarTupleType):
        return f"a list, each item {expected(kind.item_type)}"
    if isinstance(kind, inspect.StructType):
        return f"a mapping with the keys {', '.join(field.encode_name for field in kind.fields)}"
    words = {inspect.StrType: "a text", inspect.BoolType: "true or false", inspect.NoneType: "null"}
    return words.get(type(kind), "a mapping" if isinstance(kind, inspect.DictType) else "a value")


def shown(node: yaml.Node) -> str:
    """Give what stands in the file, shortened."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    text = str(node.value)
    if scalar(_as_scalar(node)) is None:
        return "nothing"
    return repr(text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "...")


def path_text(path: Path) -> str:
    """Write a place as people do: ``candidates[1].grid.alpha``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """Suggest the nearest of the known words, or list them."""
    known = tuple(known)
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known) or 'none'}"


def _section(kind: inspect.Type) -> inspect.Type:
    """Give the struct of a section that may be left out; its heading alone means the section with its defaults."""
    if isinstance(kind, inspect.UnionType):
        return next((each for each in kind.types if isinstance(each, inspect.StructType)), kind)
    return kind


def _instead_of(key: str, fields: Iterable[str]) -> str:
    return nearest(key.replace("-", "_"), fields)


def _is_within(inner: Path, outer: Path) -> bool:
    shorter = min(len(inner), len(outer))
    return inner[:shorter] == outer[:shorter]


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and scalar(node) is None


def _as_scalar(node: yaml.Node) -> yaml.ScalarNode:
    if not isinstance(node, yaml.ScalarNode):
        raise TypeError(node)
    return node


def _fits(value: Any, kind: inspect.Type) -> bool:  # noqa: PLR0911 (one line for each type)
    match kind:
        case inspect.UnionType():
            return any(_fits(value, each) for each in kind.types)
        case inspect.NoneType():
            return value is None
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.LiteralType():
            return any(type(value) is type(allowed) and value == allowed for allowed in kind.values)
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.IntType():
            return type(value) is int and _in_range(value, kind)
        case inspect.FloatType():
            return type(value) in (int, float) and (value != value or _in_range(value, kind))  # noqa: PLR0124
    return False


def _in_range(value: float, kind: inspect.IntType | inspect.FloatType) -> bool:
    return (
        (kind.ge is None or value >= kind.ge)
        and (kind.gt is None or value > kind.gt)
        and (kind.le is None or value <= kind.le)
        and (kind.lt is None or value < kind.lt)
    )


def _number_words(kind: inspect.IntType | inspect.FloatType) -> str:
    noun = "an integer" if isinstance(kind, inspect.IntType) else "a number"
    if kind.ge is not None and kind.le is not None:
        return f"{noun} from {kind.ge:g} to {kind.le:g}"
    if kind.gt is not None and kind.lt is not None:
        return f"{noun} between {kind.gt:g} and {kind.lt:g}"
    if kind.ge is not None:
        return f"{noun} of {kind.ge:g} or more"
    return f"{noun} above {kind.gt:g}" if kind.gt is not None else noun


def _remedy(node: yaml.Node, kind: inspect.Type) -> str:
    if isinstance(kind, inspect.LiteralType) and isinstance(node, yaml.ScalarNode):
        near = get_close_matches(str(node.value), [str(value) for value in kind.values], n=1)
        return f"; did you mean {near[0]!r}?" if near else ""
    if isinstance(kind, inspect.StrType) and isinstance(node, yaml.ScalarNode) and scalar(node) is not None:
        return f'; put it in quotes: "{node.value}"'
    if isinstance(kind, inspect.BoolType) and str(node.value).lower() in _OLD_BOOLS:
        return " (YAML 1.2 knows no yes, no, on and off)"
    if isinstance(kind, inspect.VarTupleType) and isinstance(node, yaml.ScalarNode):
        return f"; write [{node.value}]"
    return ""
