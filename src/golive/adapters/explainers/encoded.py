"""Encoded: what enters a head, row by row, and which of a caller's columns each number of it is made of."""

from collections.abc import Sequence

import msgspec
import numpy as np

from golive import plugins
from golive.adapters.explainers.parts import Parts
from golive.inference.explaining.sources import MIXED, sources_of
from golive.ports import Float64, Int64, Session, Subject

_RUNTIME = "onnxruntime"
_MOST_ROWS, _FEWEST_ROWS = 256, 8
_MOST_CELLS = 200_000_000
_SEED = 17


class Encoded(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The encoder of a graph."""

    rows: Float64
    """``[n, features]``: what enters the head of the subject's rows."""
    owners: Int64
    """``[features]``: the input that each is made of; -1: it is always the same."""
    runtime: str
    """Empty: the numbers enter as they are."""
    narrow: bool
    graph: bytes


def encoded(parts: Parts, tensor: str, used: Int64, subject: Subject, names: Sequence[str]) -> Encoded | None:
    """Cut a graph before a tensor; None where a number that is ``used`` there is made of several inputs."""
    sources = sources_of(subject.preparation, names)
    if not sources.are_single:
        return None
    is_entry, narrow = parts.entry(tensor)
    if is_entry:
        rows = subject.numbers.astype(np.float32).astype(np.float64) if narrow else subject.numbers
        return Encoded(rows=rows, owners=sources.numbers, runtime="", narrow=narrow, graph=b"")
    graph = parts.before(tensor, _width(parts, tensor, subject))
    session: Session = plugins.load("runtimes", _RUNTIME).open(graph, threads=1)
    rows = session.run(subject.numbers, subject.codes)
    owners = _owners(session, rows, subject, sources.numbers, sources.codes, len(names))
    if owners is None or (owners[used] < -1).any():
        return None
    return Encoded(rows=rows, owners=np.maximum(owners, -1), runtime=_RUNTIME, narrow=False, graph=graph)


_SEVERAL = -2


def _width(parts: Parts, tensor: str, subject: Subject) -> int:
    """Ask the graph itself how wide a tensor is: only a width that is known beforehand makes a graph of ours."""
    opened = plugins.load("runtimes", _RUNTIME).open_tensors(parts.before(tensor, None), threads=1)
    feeds = {"N": subject.numbers[:1], "C": subject.codes[:1]}
    found = opened.run({given.name: feeds[given.name] for given in opened.inputs})
    return int(found["P"].shape[1])


def _owners(
    session: Session, rows: Float64, subject: Subject, numbers: Int64, codes: Int64, inputs: int
) -> Int64 | None:
    """Change one input after the other, and see what moves: ``[features]``; :data:`_SEVERAL` where several move it."""
    count = min(_MOST_ROWS, len(rows), _MOST_CELLS // max(1, rows.shape[1] * inputs))
    if count < min(_FEWEST_ROWS, len(rows)) or MIXED in numbers or MIXED in codes:
        return None
    rng = np.random.default_rng(_SEED)
    # Few rows are repeated, so that many values are tried on them.
    chosen = np.resize(
        np.arange(len(rows))[:count], _MOST_ROWS if rows.shape[1] * inputs * _MOST_ROWS <= _MOST_CELLS else count
    )
    usual, own_numbers, own_codes = rows[chosen], subject.numbers[chosen], subject.codes[chosen]
    owners = np.full(rows.shape[1], -1, np.int64)
    for place in range(inputs):
        other_numbers, other_codes = own_numbers.copy(), own_codes.copy()
        for slot in np.flatnonzero(numbers == place):
            other_numbers[:, slot] = _others(subject.numbers[:, slot], len(chosen), rng)
        for slot in np.flatnonzero(codes == place):
            known = len(subject.preparation.categories[slot].values) + 2
            other_codes[:, slot] = rng.permutation(np.resize(np.arange(known), len(chosen)))
        found = session.run(other_numbers, other_codes)
        moved = ~((found == usual) | (np.isnan(found) & np.isnan(usual))).all(axis=0)
        owners[moved] = np.where(owners[moved] == -1, place, _SEVERAL)
    return owners


def _others(values: Float64, count: int, rng: np.random.Generator) -> Float64:
    """Give other values of a number: seen ones, ones anywhere near them, and missing ones where there are such."""
    seen = values[np.isfinite(values)]
    if not len(seen):
        return rng.normal(size=count)
    low, high = float(seen.min()), float(seen.max())
    reach = (high - low) or 1.0
    others: Float64 = rng.choice(seen, count)
    others[: count // 3] = rng.uniform(low - reach, high + reach, count // 3)
    if np.isnan(values).any():
        others[-max(1, count // 8) :] = np.nan
    return others
