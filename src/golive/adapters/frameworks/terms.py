"""Terms: a graph in which the terms of a text are never columns, as long as only linear things happen to them.

A vocabulary of 15,000 terms as columns would cost 120 kB a row. So a block of terms is a promise: scaling, selecting
and joining only change what is promised, and a product with weights becomes a few sums, which the front computes from
the text itself (``TextTerms``). Whatever else reads the block gets real columns, up to ``MOST_COLUMNS``.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnx

from golive.adapters.frameworks.graph import Arithmetic, Block, Graph, Operand
from golive.domain.preparation import TextTerms
from golive.errors import NotConvertibleError
from golive.ports import Float64, Int64

MOST_COLUMNS = 2000
"""So many terms may become columns of the graph: 16 kB a row."""
MOST_WEIGHTS = 4_000_000
"""So many weights may lie in the preparation of one text: 32 MB."""

Refusal = Callable[[str, str], NotConvertibleError]
"""Makes the error that names the part being written: why, and the remedy."""

_SLOPES: dict[Arithmetic, Callable[[Float64, Float64], Float64]] = {"Mul": np.multiply, "Div": np.divide}


class Sums:
    """What one text must be summed up to: collects weights while a model is written."""

    def __init__(self, step: TextTerms, name: Callable[[], str]) -> None:
        self.step = step
        self._name = name
        self._weights: list[Float64] = []
        self._into: list[str] = []
        self._columns: list[TextTerms] = []

    @property
    def count(self) -> int:
        """How many terms or buckets there are."""
        return self.step.buckets or len(self.step.terms)

    def sums(self, weights: Float64) -> list[str]:
        """Ask for weighted sums: ``[terms, sums]``. Gives the names of the number columns."""
        names = [self._name() for _ in range(weights.shape[1])]
        self._weights.append(weights)
        self._into += names
        return names

    def columns(self, places: Int64) -> list[str]:
        """Ask for the values of some terms as they are. Gives the names of the number columns."""
        names = [self._name() for _ in places]
        rest = np.setdiff1d(np.arange(self.count), places)
        order = np.concatenate([places, rest])
        terms = tuple(self.step.terms[place] for place in order) if self.step.terms else ()
        idf = np.frombuffer(self.step.idf, "<f8")[order].tobytes() if self.step.idf else b""
        self._columns.append(msgspec.structs.replace(self.step, into=tuple(names), terms=terms, idf=idf))
        return names

    def steps(self) -> list[TextTerms]:
        """Declare what was asked for: all sums are one step."""
        if not self._weights:
            return self._columns
        weights = np.hstack(self._weights)
        kept = np.flatnonzero(weights.any(axis=1)).astype("<i8") if self.step.buckets else np.zeros(0, "<i8")
        if len(kept):
            weights = weights[kept]
        data = np.ascontiguousarray(weights, "<f8").tobytes()
        made = msgspec.structs.replace(self.step, into=tuple(self._into), weights=data, kept=kept.tobytes())
        return [made, *self._columns]


class Terms(msgspec.Struct, frozen=True):
    """Some terms of a text as columns: ``scale * value + shift`` each."""

    sums: Sums
    places: Int64
    scale: Float64
    shift: Float64

    @property
    def width(self) -> int:
        """How many columns these are."""
        return len(self.places)


Part = Terms | Block


class TermGraph(Graph):
    """A graph whose blocks may be promises of terms; ``read`` brings number columns in, by name."""

    def __init__(self, read: Callable[[Graph, Sequence[str]], Block], refusal: Refusal) -> None:
        super().__init__()
        self._read = read
        self._refusal = refusal
        self._promised: dict[str, tuple[Part, ...]] = {}
        self._kept: dict[str, str] = {}

    def terms_of(self, sums: Sums) -> Block:
        """Promise all terms of a text."""
        count = sums.count
        return self._promise([Terms(sums, np.arange(count), np.ones(count), np.zeros(count))])

    def is_promised(self, block: Block) -> bool:
        """Say whether terms of a text are among the columns of a block."""
        return block.tensor in self._promised

    def sums_of(self, block: Block) -> Sums | None:
        """Give the text of a block that is all terms of one text as they are, and None for any other."""
        match self._promised.get(block.tensor):
            case (Terms() as only,) if only.width == only.sums.count and (only.scale == 1.0).all():
                return only.sums if (only.places == np.arange(only.width)).all() and not only.shift.any() else None
            case _:
                return None

    def op(self, kind: str, *operands: Operand, **attributes: Any) -> str:
        """Add one node; promised terms among its operands become columns."""
        real = [self._real(operand) if isinstance(operand, str) else operand for operand in operands]
        return super().op(kind, *real, **attributes)

    def splice(self, model: onnx.ModelProto, tensor: str, output: str) -> str:
        """Append another model; promised terms become columns."""
        return super().splice(model, self._real(tensor), output)

    def select(self, block: Block, columns: Sequence[int] | Int64) -> Block:
        """Take columns of a block, in the given order."""
        parts = self._promised.get(block.tensor)
        if parts is None:
            return super().select(block, columns)
        wanted = np.asarray(columns, np.int64).reshape(-1)
        owner = np.repeat(np.arange(len(parts)), [part.width for part in parts])
        inner = np.concatenate([np.arange(part.width) for part in parts])
        cuts = np.flatnonzero(np.diff(owner[wanted])) + 1
        chosen = [piece for piece in np.split(wanted, cuts) if len(piece)]
        return self._promise([self._taken(parts[owner[piece[0]]], inner[piece]) for piece in chosen])

    def join(self, blocks: Sequence[Block]) -> Block:
        """Put blocks side by side."""
        if not any(block.tensor in self._promised for block in blocks):
            return super().join(blocks)
        return self._promise([part for block in blocks if block.width for part in self._parts(block)])

    def by_row(self, kind: Arithmetic, block: Block, row: npt.ArrayLike) -> Block:
        """Combine every row with one row of constants."""
        if block.tensor not in self._promised:
            return super().by_row(kind, block, row)
        values = np.broadcast_to(np.asarray(row, np.float64).reshape(-1), (block.width,))
        moved = []
        for part, piece in self._pieces(block, values):
            moved.append(_moved(kind, part, piece) if isinstance(part, Terms) else super().by_row(kind, part, piece))
        return self._promise(moved)

    def product(self, block: Block, weights: npt.ArrayLike, offsets: npt.ArrayLike) -> Block:
        """Give ``block @ weights + offsets``; promised terms become sums."""
        if block.tensor not in self._promised:
            return super().product(block, weights, offsets)
        matrix = np.asarray(weights, np.float64)
        offset = np.broadcast_to(np.asarray(offsets, np.float64).reshape(-1), (matrix.shape[1],)).astype(np.float64)
        total = ""
        for part, piece in self._pieces(block, matrix):
            if isinstance(part, Terms):
                offset = offset + part.shift @ piece
                tensor = self._summed(part, piece)
            else:
                tensor = super().product(part, piece, np.zeros(matrix.shape[1])).tensor
            total = super().op("Add", total, tensor) if total else tensor
        return Block(super().op("Add", total, offset[None, :]), matrix.shape[1])

    def _promise(self, parts: Sequence[Part]) -> Block:
        name = f"terms{len(self._promised)}"
        self._promised[name] = tuple(parts)
        return Block(name, sum(part.width for part in parts))

    def _parts(self, block: Block) -> tuple[Part, ...]:
        return self._promised.get(block.tensor, (block,))

    def _pieces(self, block: Block, values: Float64) -> list[tuple[Part, Float64]]:
        parts = self._parts(block)
        ends = np.cumsum([part.width for part in parts])[:-1]
        return list(zip(parts, np.split(values, ends), strict=True))

    def _taken(self, part: Part, columns: Int64) -> Part:
        if isinstance(part, Terms):
            return Terms(part.sums, part.places[columns], part.scale[columns], part.shift[columns])
        return super().select(part, columns)

    def _summed(self, part: Terms, weights: Float64) -> str:
        if part.sums.count * weights.shape[1] > MOST_WEIGHTS and not part.sums.step.buckets:
            why = (
                f"gives {weights.shape[1]} numbers of {part.sums.count} terms of {part.sums.step.column!r}, more than "
                f"{MOST_WEIGHTS} weights"
            )
            raise self._refusal(why, "limit the vocabulary with max_features, or the width of what follows it")
        full = np.zeros((part.sums.count, weights.shape[1]))
        np.add.at(full, part.places, part.scale[:, None] * weights)
        if np.count_nonzero(full.any(axis=1)) * weights.shape[1] > MOST_WEIGHTS:
            why = f"weighs every one of {part.sums.count} buckets of {part.sums.step.column!r}"
            remedy = f"set n_features below {MOST_WEIGHTS // weights.shape[1]}"
            raise self._refusal(why, remedy)
        return self._read(self, part.sums.sums(full)).tensor

    def _real(self, name: str) -> str:
        """Give the tensor of a block that something other than linear reads."""
        if name not in self._promised:
            return name
        if name not in self._kept:
            blocks = [self._columns(part) if isinstance(part, Terms) else part for part in self._promised[name]]
            self._kept[name] = super().join(blocks).tensor
        return self._kept[name]

    def _columns(self, part: Terms) -> Block:
        asked = part.places if part.sums.step.terms else np.arange(part.sums.count)
        if len(asked) > MOST_COLUMNS:
            why = f"reads {len(asked)} terms of {part.sums.step.column!r} one by one, more than {MOST_COLUMNS}"
            remedy = (
                f"set max_features={MOST_COLUMNS}, put SelectKBest or TruncatedSVD before it, or use a linear model"
            )
            raise self._refusal(why, remedy)
        block = self._read(self, part.sums.columns(asked))
        chosen = block if part.sums.step.terms else super().select(block, part.places)
        scaled = chosen if (part.scale == 1.0).all() else super().by_row("Mul", chosen, part.scale)
        return super().by_row("Add", scaled, part.shift) if part.shift.any() else scaled


def _moved(kind: Arithmetic, part: Terms, row: Float64) -> Terms:
    if kind in _SLOPES:
        slope = _SLOPES[kind]
        return Terms(part.sums, part.places, slope(part.scale, row), slope(part.shift, row))
    return Terms(part.sums, part.places, part.scale, part.shift + (row if kind == "Add" else -row))
