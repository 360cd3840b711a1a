"""Categories: a fitted branch that reads categories becomes a table.

The branch is asked for every value it knows, for a value it never saw, and for "missing"; what it answers is stored,
and the graph looks it up by code. So one-hot, ordinal and target encoding, an imputer before them, rare values and
dropped columns are all one rule, and exact by construction. Random rows prove that the columns do not interact.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from golive.adapters.frameworks.curves import lookup
from golive.adapters.frameworks.emitter import Emitter, Flow, is_pipeline
from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.inputs import Columns
from golive.adapters.frameworks.trees import search_sorted
from golive.errors import NotConvertibleError
from golive.ports import Float64

ENCODERS = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")
UNSEEN = ("\u0001never seen", "\u0001never seen either")
"""Two texts that no table holds; both must be answered alike."""
CELL_LIMIT = 20_000_000
"""A table larger than this (160 MB) is refused rather than shipped."""
PROOF_ROWS = 64
ASKED_CELLS = 4_000_000
"""Questions about several columns go to the branch together while the answers stay below this (32 MB)."""

Ask = Callable[[list[list[Any]]], Float64]
"""Columns of raw values in, the branch's output ``[rows, outputs]`` out."""


class Axis(msgspec.Struct, frozen=True):
    """One column of a branch: what can be asked of it, in the order of its codes."""

    name: str
    known: tuple[Any, ...]
    unseen: tuple[Any, Any]
    missing: Any
    was_missing: bool
    """Whether training saw the column missing; otherwise a branch may refuse a missing value."""

    @property
    def asked(self) -> list[Any]:
        """Known values, then an unseen one."""
        return [*self.known, self.unseen[0]]

    @property
    def dtype(self) -> Any:
        """The type in which the column is asked for."""
        return np.float64 if isinstance(self.unseen[0], float) else object


class Contribution(msgspec.Struct, frozen=True):
    """What one column decides: some of the outputs, for each of its codes."""

    outputs: npt.NDArray[np.int64]
    table: Float64
    """``[codes, outputs]``"""


def encoder(emitter: Emitter, part: Any, flow: Flow) -> Block:
    """Write an encoder that reads raw columns or a block of numbers."""
    if isinstance(flow, Columns):
        return branch(emitter, [part], flow)
    known = [_numbers_of(values) for values in part.categories_]
    axes = [_number_axis(f"column {place}", values, was_missing=False) for place, values in enumerate(known)]
    return _tabulate(emitter, part, axes, _asking([part], None), number_codes(emitter, flow, known))


def branch(emitter: Emitter, steps: Sequence[Any], columns: Columns) -> Block:
    """Write steps that turn raw columns, text among them, into numbers."""
    names = columns.names
    known = known_values(steps, len(names))
    axes, codes = [], []
    for name, values in zip(names, known, strict=True):
        if emitter.inputs.is_text(name):
            emitter.inputs.declare(name, values)
            vocabulary = emitter.inputs.vocabulary(name)
            axes.append(Axis(name, vocabulary, UNSEEN, emitter.inputs.missing(name), emitter.inputs.has_missing(name)))
        else:
            axes.append(_number_axis(name, _numbers_of(values), was_missing=emitter.inputs.has_missing(name)))
    texts = [name for name in names if emitter.inputs.is_text(name)]
    if len(texts) == len(names):
        tensor = emitter.inputs.codes(emitter.graph, names)
    else:
        for axis, name in zip(axes, names, strict=True):
            if name in texts:
                codes.append(emitter.inputs.codes(emitter.graph, [name]))
            else:
                block = emitter.inputs.numbers(emitter.graph, [name])
                codes.append(number_codes(emitter, block, [np.asarray(axis.known, np.float64)]))
        tensor = emitter.graph.op("Concat", *codes, axis=1)
    return _tabulate(emitter, steps[-1], axes, _asking(steps, {axis.name: axis.dtype for axis in axes}), tensor)


def needs_table(emitter: Emitter, part: Any, columns: Columns) -> bool:
    """Say whether a part must be asked for its table: it reads text."""
    return any(emitter.inputs.is_text(name) for name in columns.names) and not hasattr(part, "transformers_")


def text_steps(emitter: Emitter, steps: Sequence[tuple[str, Any]], columns: Columns) -> int:
    """Count the first steps of a chain that are written as one table: as many as it takes to get numbers."""
    names = [name for name in columns.names if emitter.inputs.is_text(name)]
    frame = emitter.inputs.sample[list(columns.names)].iloc[:1]
    for count, (name, part) in enumerate(steps, start=1):
        with emitter.inside(name):
            frame = _applied(emitter, part, frame)
        if _is_numeric(frame):
            return count
    with emitter.inside(steps[-1][0]):
        raise emitter.refusal(
            steps[-1][1], f"gives text for {names[0]!r}", "end the branch with an encoder such as OneHotEncoder"
        )


def known_values(steps: Sequence[Any], width: int) -> list[list[Any]]:
    """Give what the first encoder among the steps knows of each column; nothing where there is none."""
    for step in steps:
        if is_pipeline(step):
            found = known_values([part for _, part in step.steps], width)
            if any(found):
                return found
        categories = getattr(step, "categories_", None)
        if categories is not None and len(categories) == width:
            return [list(values) for values in categories]
    return [[] for _ in range(width)]


def _applied(emitter: Emitter, part: Any, rows: Any) -> Any:
    try:
        return _transformed(part, rows)
    except Exception as error:
        raise emitter.refusal(
            part,
            f"failed on a row of the sample ({type(error).__name__}: {error})",
            "pass the sample as the model saw it in training",
        ) from error


def _transformed(part: Any, rows: Any) -> Any:
    if part is None or part == "passthrough":
        return rows
    # A part fitted on an array must be asked with one: names would make it warn.
    if isinstance(rows, pd.DataFrame) and not hasattr(part, "feature_names_in_") and not hasattr(part, "func"):
        rows = rows.to_numpy(dtype=object) if len(rows.select_dtypes(object).columns) else rows.to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "found unknown categories" is the very question asked
        return part.transform(rows)


def _is_numeric(output: Any) -> bool:
    if isinstance(output, pd.DataFrame):
        return all(pd.api.types.is_numeric_dtype(kind) for kind in output.dtypes)
    return bool(np.issubdtype(output.dtype, np.number) or output.dtype == np.bool_)


def _asking(steps: Sequence[Any], dtypes: Mapping[str, Any] | None) -> Ask:
    def ask(columns: list[list[Any]]) -> Float64:
        rows: Any
        if dtypes is None:
            rows = np.asarray(columns, np.float64).T
        else:
            # The type is given: left to itself, pandas would turn None into NaN.
            named = zip(dtypes.items(), columns, strict=True)
            rows = pd.DataFrame({name: pd.Series(values, dtype=dtype) for (name, dtype), values in named})
        for part in steps:
            rows = _transformed(part, rows)
        dense = rows.toarray() if hasattr(rows, "toarray") else rows
        return np.asarray(dense, np.float64)

    return ask


def _number_axis(name: str, known: Float64, *, was_missing: bool) -> Axis:
    beyond = float(np.max(np.abs(known), initial=0.0)) * 2.0 + 1.5
    return Axis(name, tuple(known.tolist()), (beyond, beyond + 1.0), float("nan"), was_missing)


def _numbers_of(values: Sequence[Any]) -> Float64:
    present = [float(value) for value in values if value is not None and value == value]  # noqa: PLR0124 - NaN is not
    return np.asarray(sorted(present), np.float64)


def number_codes(emitter: Emitter, block: Block, known: Sequence[Float64]) -> str:
    """Give each number's place among the known ones, the next code for any other, and the last for NaN."""
    graph = emitter.graph
    places = search_sorted(graph, block, known, right=False)
    nearest = lookup(graph, [np.concatenate([values, [np.nan]]) for values in known], places)
    unseen = np.asarray([[len(values) for values in known]], np.int64)
    code = graph.op("Where", graph.op("Equal", nearest, block.tensor), places, unseen)
    return graph.op("Where", graph.is_missing(block), unseen + 1, code)


def _tabulate(emitter: Emitter, part: Any, axes: Sequence[Axis], ask: Ask, codes: str) -> Block:
    contributions, width = _contributions(emitter, part, axes, ask)
    _prove(emitter, part, axes, ask, contributions)
    cells = sum(contribution.table.size for contribution in contributions)
    if cells > CELL_LIMIT:
        raise emitter.refusal(
            part,
            f"makes a table of {cells} cells, more than {CELL_LIMIT}",
            "limit it (OneHotEncoder(max_categories=...)) or use TargetEncoder",
        )
    return _looked_up(emitter, contributions, codes, width)


def _contributions(emitter: Emitter, part: Any, axes: Sequence[Axis], ask: Ask) -> tuple[list[Contribution], int]:
    answers = _answers(emitter, part, axes, ask)
    width = answers[0].shape[1]
    claimed = np.zeros(width, np.int64) - 1
    for position, answer in enumerate(answers):
        varies = ~np.all(_same(answer, answer[:1]), axis=0)
        if np.any(claimed[varies] >= 0):
            raise _mixing(emitter, part, axes)
        claimed[varies] = position
    claimed[claimed < 0] = 0  # outputs that never change may sit in any table
    owned = [np.flatnonzero(claimed == position) for position in range(len(axes))]
    return [Contribution(outputs, answer[:, outputs]) for outputs, answer in zip(owned, answers, strict=True)], width


def _answers(emitter: Emitter, part: Any, axes: Sequence[Axis], ask: Ask) -> list[Float64]:
    """Ask for every code of each column, the others held at their first value: ``[codes, outputs]`` each."""
    every = range(len(axes))
    known = _asked(axes, every, [list(axis.known) for axis in axes], ask)
    try:
        unseen = _asked(axes, every, [list(axis.unseen) for axis in axes], ask)
    except (ValueError, TypeError, KeyError):
        unseen = [_answer_unseen(emitter, part, axes, position, ask) for position in every]
    for axis, answer in zip(axes, unseen, strict=True):
        if not np.all(_same(answer[:1], answer[1:])):
            raise emitter.refusal(
                part,
                f"answers two unseen values of {axis.name!r} differently",
                "use an encoder that treats all unseen values alike",
            )
    try:
        missing = _asked(axes, every, [[axis.missing] for axis in axes], ask)
    except (ValueError, TypeError):
        missing = [_answer_missing(emitter, part, axes, position, ask, unseen[position]) for position in every]
    return [
        np.concatenate([*([values] if len(values) else []), other[:1], absent])
        for values, other, absent in zip(known, unseen, missing, strict=True)
    ]


def _answer_unseen(emitter: Emitter, part: Any, axes: Sequence[Axis], position: int, ask: Ask) -> Float64:
    axis = axes[position]
    try:
        return _asked(axes, [position], [list(axis.unseen)], ask)[0]
    except (ValueError, TypeError, KeyError) as error:
        raise emitter.refusal(
            part,
            f"has no answer for values of {axis.name!r} that it never saw",
            "set handle_unknown to 'ignore' (OneHotEncoder) or to 'use_encoded_value' with an unknown_value "
            "(OrdinalEncoder); set_params does it after fitting too",
        ) from error


def _answer_missing(
    emitter: Emitter, part: Any, axes: Sequence[Axis], position: int, ask: Ask, unseen: Float64
) -> Float64:
    axis = axes[position]
    try:
        return _asked(axes, [position], [[axis.missing]], ask)[0]
    except (ValueError, TypeError) as error:
        if axis.was_missing:
            raise emitter.refusal(
                part, f"refuses the missing values of {axis.name!r} ({error})", "put a SimpleImputer before it"
            ) from error
        return unseen[:1]


def _asked(axes: Sequence[Axis], positions: Sequence[int], questions: Sequence[list[Any]], ask: Ask) -> list[Float64]:
    """Ask values of some columns: ``[values, outputs]`` for each of them. As few calls as memory allows."""
    most = max(1, ASKED_CELLS // sum(len(axis.asked) for axis in axes))
    answers: list[Float64] = []
    waiting: list[tuple[int, list[Any]]] = []
    for position, values in zip(positions, questions, strict=True):
        if waiting and sum(len(others) for _, others in waiting) + len(values) > most:
            answers += _asked_together(axes, waiting, ask)
            waiting = []
        waiting.append((position, values))
    return [*answers, *_asked_together(axes, waiting, ask)]


def _asked_together(axes: Sequence[Axis], questions: Sequence[tuple[int, list[Any]]], ask: Ask) -> list[Float64]:
    ends = np.cumsum([len(values) for _, values in questions])
    if not ends[-1]:
        return [np.zeros((0, 0)) for _ in questions]
    columns = [[axis.asked[0]] * int(ends[-1]) for axis in axes]
    for end, (position, values) in zip(ends, questions, strict=True):
        columns[position][end - len(values) : end] = values
    return np.split(ask(columns), ends[:-1])


def _prove(emitter: Emitter, part: Any, axes: Sequence[Axis], ask: Ask, contributions: Sequence[Contribution]) -> None:
    """Ask random rows as a whole, and compare with the tables."""
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.integers(0, len(axis.asked), PROOF_ROWS) for axis in axes])
    whole = ask([[axis.asked[code] for code in codes[:, place]] for place, axis in enumerate(axes)])
    for place, contribution in enumerate(contributions):
        if not np.all(_same(whole[:, contribution.outputs], contribution.table[codes[:, place]])):
            raise _mixing(emitter, part, axes)


def _mixing(emitter: Emitter, part: Any, axes: Sequence[Axis]) -> NotConvertibleError:
    names = ", ".join(repr(axis.name) for axis in axes)
    return emitter.refusal(
        part, f"mixes the columns {names}", "give each column a branch of its own, and combine them after encoding"
    )


def _looked_up(emitter: Emitter, contributions: Sequence[Contribution], codes: str, width: int) -> Block:
    graph = emitter.graph
    widest = max(contribution.table.shape[1] for contribution in contributions)
    slots = sum(len(contribution.table) for contribution in contributions) * widest
    if len(contributions) > 1 and slots > 4 * sum(contribution.table.size for contribution in contributions) + 100_000:
        return _looked_up_apart(emitter, contributions, codes)
    tables = [np.pad(item.table, ((0, 0), (0, widest - item.table.shape[1]))) for item in contributions]
    flat = graph.op("Reshape", lookup(graph, tables, codes), np.array([-1, widest * len(contributions)]))
    order = np.empty(width, np.int64)
    for place, contribution in enumerate(contributions):
        order[contribution.outputs] = place * widest + np.arange(len(contribution.outputs))
    return graph.select(Block(flat, widest * len(contributions)), order)


def _looked_up_apart(emitter: Emitter, contributions: Sequence[Contribution], codes: str) -> Block:
    """Look columns up one by one, where padding all tables to the widest would waste memory."""
    graph = emitter.graph
    blocks = []
    for place, contribution in enumerate(contributions):
        code = graph.op("Gather", codes, np.array(place), axis=1)
        tensor = graph.op("Gather", np.ascontiguousarray(contribution.table), code, axis=0)
        blocks.append(Block(tensor, contribution.table.shape[1]))
    order = np.concatenate([contribution.outputs for contribution in contributions])
    return graph.select(graph.join(blocks), np.argsort(order))


def _same(left: Float64, right: Float64) -> npt.NDArray[np.bool_]:
    return np.asarray((left == right) | (np.isnan(left) & np.isnan(right)), np.bool_)
