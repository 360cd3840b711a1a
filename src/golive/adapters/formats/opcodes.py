"""Opcodes: what a pickle would load, read from its instructions alone; nothing of it is run or imported.

A file of joblib is a pickle with the bytes of its arrays between the instructions. So the instructions are followed
with a stack of their own, on which everything but names, texts, numbers and their groups is opaque: that finds the
names of classes however they are written, and the arrays, whose bytes are then skipped.
"""

import math
import pickletools
import re
import time
from typing import IO, Any, cast

import msgspec

from golive.adapters.formats.packed import Packed
from golive.errors import DataError

MOST_OPCODES = 20_000_000
MOST_CPU_S = 60.0
_LOOK_AFTER = 1 << 16
MOST_INSIDE = 16
"""So deep pickles may stand inside each other, as arrays of objects do."""
LONGEST_TEXT = 4096
"""A longer text is no name, and is not kept: a few bytes of a packed file can be gigabytes of text."""
HIDDEN = "a name that is only put together while loading"
_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"
_SIZED = re.compile(r"[<>|=]?([biufcSVmMU])([0-9]+)")
_OBJECTS = re.compile(r"[<>|=]?O[0-9]*")
_LETTER_BYTES = 4
_VERSIONS = {"_sklearn_version": "scikit-learn"}
"""Key in an object's state -> the library whose version stands there."""

_OPAQUE = object()
_MARK = object()


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """What a pickle says of itself."""

    loads: tuple[str, ...]
    """The names of classes and functions that it would import, in the order of their first use."""
    saved_by: dict[str, str] = {}
    """Library -> version, where the file says so."""


class _Name(msgspec.Struct, frozen=True):
    full: str


class _Made(msgspec.Struct, eq=False):
    """What calling a name would give."""

    name: str
    arguments: Any = None
    state: Any = None


def listing(content: Packed) -> Listing:
    """Follow the instructions of a pickle, or of a file of joblib.

    Raises:
        DataError: it is no pickle, is cut short, or has more instructions than any model needs, or than can be
            followed in a minute of processor time.
    """
    machine = _Machine()
    try:
        machine.follow(content, MOST_INSIDE)
    except DataError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, EOFError, OverflowError) as error:
        message = f"it is no pickle that can be read, or one that was cut short ({error})"
        raise DataError(message) from error
    return Listing(loads=tuple(machine.loads), saved_by=machine.saved_by)


class _Machine:
    def __init__(self) -> None:
        self.loads: dict[str, None] = {}
        self.saved_by: dict[str, str] = {}
        self._left = MOST_OPCODES
        self._until = time.process_time() + MOST_CPU_S

    def follow(self, content: Packed, deeper: int) -> None:
        """Follow one pickle to its end."""
        if not deeper:
            message = f"it holds pickles more than {MOST_INSIDE} deep inside each other; it was made to do harm"
            raise DataError(message)
        stack: list[Any] = []
        memo: dict[int, Any] = {}
        for opcode, argument, _ in pickletools.genops(cast("IO[bytes]", content)):
            self._count(argument)
            self._step(opcode, argument, stack, memo)
            if opcode.name == "BUILD" and isinstance(stack[-1], _Made) and stack[-1].name == _ARRAY:
                self._skip(content, stack[-1].state, deeper)

    def _count(self, argument: Any) -> None:
        self._left -= 1
        if self._left < 0:
            message = f"it has more than {MOST_OPCODES:,} instructions; it is no model, or was made to do harm"
            raise DataError(message)
        long = isinstance(argument, (str, bytes)) and len(argument) > LONGEST_TEXT
        if (long or self._left % _LOOK_AFTER == 0) and time.process_time() > self._until:
            message = f"its instructions take longer than {MOST_CPU_S:g} seconds to read; it was made to do harm"
            raise DataError(message)

    def _step(self, opcode: Any, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
        name = opcode.name
        if name in {"MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"}:
            memo[len(memo) if argument is None else argument] = stack[-1]
        elif name in {"GET", "BINGET", "LONG_BINGET"}:
            stack.append(_kept(memo, argument))
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "DUP":
            stack.append(stack[-1])
        elif name in {"GLOBAL", "INST"}:
            taken = _taken(opcode, stack)
            stack.append(self._named(argument.replace(" ", "."), called=name == "INST", arguments=taken))
        elif name == "STACK_GLOBAL":
            parts = _taken(opcode, stack)
            plain = all(isinstance(part, str) for part in parts)
            stack.append(self._named(".".join(parts) if plain else HIDDEN))
        elif name.startswith("EXT"):
            stack.append(self._named(f"extension code {argument}"))
        else:
            self._values(opcode, argument, stack)

    def _named(self, full: str, *, called: bool = False, arguments: Any = None) -> Any:
        self.loads[full] = None
        return _Made(full, arguments) if called else _Name(full)

    def _values(self, opcode: Any, argument: Any, stack: list[Any]) -> None:
        """Move values: what is put together is kept as a tuple or a dictionary, everything else is opaque."""
        name, taken = opcode.name, _taken(opcode, stack)
        match name:
            case "REDUCE" | "NEWOBJ" | "NEWOBJ_EX" | "OBJ":
                stack.append(_Made(taken[0].full, taken[1]) if isinstance(taken[0], _Name) else _OPAQUE)
            case "BUILD":
                if isinstance(taken[0], _Made):
                    taken[0].state = taken[1]
                stack.append(taken[0])
            case "TUPLE" | "TUPLE1" | "TUPLE2" | "TUPLE3" | "EMPTY_TUPLE":
                stack.append(tuple(taken))
            case "EMPTY_DICT" | "DICT":
                stack.append(self._with_entries({}, taken))
            case "SETITEM" | "SETITEMS":
                stack.append(self._with_entries(taken[0], taken[1:]))
            case "APPEND" | "APPENDS" | "ADDITEMS":
                stack.append(taken[0])
            case _ if opcode.stack_after:
                stack.append(argument if _is_kept(argument) else _OPAQUE)

    def _with_entries(self, held: Any, taken: list[Any]) -> Any:
        for key, value in zip(taken[::2], taken[1::2], strict=True):
            if isinstance(held, dict) and isinstance(key, str):
                held[key] = value
            if isinstance(key, str) and key in _VERSIONS and isinstance(value, str):
                self.saved_by[_VERSIONS[key]] = value
        return held

    def _skip(self, content: Packed, state: Any, deeper: int) -> None:
        """Pass over the bytes of an array, which stand behind the instruction that describes it."""
        dtype = state["dtype"].arguments[0]
        if _OBJECTS.fullmatch(dtype):
            self.follow(content, deeper - 1)
            return
        sized = _SIZED.fullmatch(dtype)
        if sized is None:
            message = f"an array has the type {dtype!r}, whose size is not known"
            raise ValueError(message)
        if state.get("numpy_array_alignment_bytes") is not None:
            content.skip(content.read(1)[0])
        letter, size = sized[1], int(sized[2])
        content.skip(math.prod(state["shape"]) * size * (_LETTER_BYTES if letter == "U" else 1))


def _kept(memo: dict[int, Any], place: int) -> Any:
    if place not in memo:
        message = "an instruction asks for a value that was never kept"
        raise IndexError(message)
    return memo[place]


def _is_kept(argument: Any) -> bool:
    return isinstance(argument, int) or (isinstance(argument, str) and len(argument) <= LONGEST_TEXT)


def _taken(opcode: Any, stack: list[Any]) -> list[Any]:
    """Take from the stack what an instruction takes, without the mark."""
    kinds = [kind.name for kind in opcode.stack_before]
    if "mark" not in kinds:
        count = len(kinds)
        taken = stack[len(stack) - count :]
        if len(taken) < count:
            message = "an instruction takes more than there is"
            raise IndexError(message)
        del stack[len(stack) - count :]
        return taken
    place = len(stack) - 1
    while stack[place] is not _MARK:
        place -= 1
        if place < 0:
            message = "an instruction takes a group that was not begun"
            raise IndexError(message)
    before = kinds.index("mark")
    taken = stack[place - before : place] + stack[place + 1 :]
    del stack[place - before :]
    return taken
