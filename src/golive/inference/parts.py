"""Parts: the steps, numbers and codes of a preparation that some columns have to do with, as a front of their own."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from golive.domain.preparation import Combine, DateParts, DeclaredStep, Preparation, TextCounts, TextTerms
from golive.domain.signature import Signature
from golive.inference.front import Front, compile_front
from golive.ports import Int64

Key = TypeVar("Key")
Value = TypeVar("Value")


class Part(msgspec.Struct, frozen=True, eq=False):
    """A front that makes some of a graph's numbers and codes."""

    front: Front
    names: tuple[str, ...]
    """The inputs that it reads."""
    numbers: Int64
    """Which of all numbers it makes, by place."""
    codes: Int64
    """Which of all codes it makes, by place."""


class Parts:
    """The parts of a preparation; what each column is made of is followed once."""

    def __init__(self, preparation: Preparation, signature: Signature) -> None:
        self._preparation = preparation
        self._signature = signature
        self._place = {name: place for place, name in enumerate(signature.names)}
        made = made_of(preparation, tuple(self._place))
        self._makers = _turned((name, at) for at, step in enumerate(preparation.steps) for name in _makes(step))
        self._touched = _turned((place, name) for name, before in made.items() for place in before)
        self._numbers = _turned((name, at) for at, name in enumerate(preparation.numbers))
        self._codes = _turned((vocabulary.column, at) for at, vocabulary in enumerate(preparation.categories))

    def touched_by(self, inputs: Collection[str]) -> Part:
        """Give what must be worked out again where these inputs take other values.

        Every step on the way from one of them is in it, so that it refuses what the whole front refuses of them.
        """
        places = [self._place[name] for name in inputs]
        return self.making({name for place in places for name in self._touched[place]})

    def making(self, wanted: Collection[str]) -> Part:
        """Give what makes the wanted columns, which are inputs or made by steps."""
        preparation, needed = self._preparation, self._needed(wanted)
        steps = sorted({at for name in needed for at in self._makers.get(name, ())})
        numbers = sorted(at for name in wanted for at in self._numbers.get(name, ()))
        codes = sorted(at for name in wanted for at in self._codes.get(name, ()))
        inputs = sorted(self._place[name] for name in needed & self._place.keys())
        fields = tuple(self._signature.inputs[place] for place in inputs)
        front = compile_front(
            Preparation(
                steps=tuple(preparation.steps[at] for at in steps),
                numbers=tuple(preparation.numbers[at] for at in numbers),
                categories=tuple(preparation.categories[at] for at in codes),
            ),
            msgspec.structs.replace(self._signature, inputs=fields),
        )
        names = tuple(field.name for field in fields)
        return Part(front, names, np.array(numbers, dtype=np.int64), np.array(codes, dtype=np.int64))

    def _needed(self, wanted: Collection[str]) -> set[str]:
        """Give the wanted columns and all that they are made of."""
        needed, left = set(wanted), list(wanted)
        while left:
            for at in self._makers.get(left.pop(), ()):
                more = set(_reads(self._preparation.steps[at])) - needed
                needed |= more
                left += more
        return needed


def made_of(preparation: Preparation, names: Sequence[str]) -> dict[str, frozenset[int]]:
    """Say of which inputs, by place in ``names``, each column is made once all steps are done."""
    made = {name: frozenset((place,)) for place, name in enumerate(names)}
    for step in preparation.steps:
        before = frozenset[int]().union(*(made[name] for name in _reads(step)))
        made |= dict.fromkeys(_makes(step), before)
    return made


def _turned(pairs: Iterable[tuple[Key, Value]]) -> Mapping[Key, list[Value]]:
    found: dict[Key, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _reads(step: DeclaredStep) -> tuple[str, ...]:
    return step.columns if isinstance(step, Combine) else (step.column,)


def _makes(step: DeclaredStep) -> tuple[str, ...]:
    match step:
        case Combine():
            return (step.into,)
        case TextTerms():
            return step.into
        case DateParts():
            return tuple(f"{step.column}_{part}" for part in step.parts)
        case TextCounts():
            return f"{step.column}_chars", f"{step.column}_words"
        case _:
            return (step.column,)
