"""Measure: a bundle, its dummy and a champion asked about the same rows; everything an evaluation says of them."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.control.judging.announced import Progress, announced, quiet
from golive.control.judging.judged import Judged, rows_taken, subject_of
from golive.control.judging.refused import answered, emptied_notes, refused_finding
from golive.control.packing.opened import open_bundle
from golive.control.packing.truth import BASELINE
from golive.control.rooms import Rooms, code_version
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest
from golive.domain.evidence import Evidence, Measure, RowsFrom
from golive.domain.finding import Finding
from golive.evaluation.roles import Note, note
from golive.evaluation.run import evaluate, measure_latency
from golive.evaluation.sections import SECTIONS, with_found, with_sections
from golive.evaluation.subject import Part, Section, Table
from golive.inference.road import Road
from golive.ports import Float64

LATENCY_RUNS = 300
BATCHES = (1, 10, 100, 1000)
"""How many rows are asked about at once where that is timed."""
_BATCH_S = 0.15
_BATCH_CELLS = 1_000_000
"""Of very wide rows, fewer come at once."""
_FEWEST_RUNS, _MOST_RUNS = 5, 300


def measure_bundle(
    bundle: Bundle,
    rooms: Rooms,
    *,
    judged: Judged,
    champion: Bundle | None,
    data: Digest,
    rows_from: RowsFrom = "given",
    more: Mapping[str, Part] | None = None,
    on_progress: Progress = quiet,
) -> Evidence:
    """Predict with the bundle, its dummy baseline and the champion on the same rows, compare, and look further.

    Rows that cannot be read, or that the bundle refuses, are left out, counted and found. ``more`` are parts that only
    a project has; ``on_progress`` is told which part begins.
    """
    files = rooms.bundles.files(bundle)
    road = open_bundle(bundle, files)
    on_progress(0, 1, "evaluate: the test rows")
    given, total = judged.rows, len(judged.rows.truth)
    taken = answered(road, given.columns, judged.wrong)
    kept, predicted, refused = taken.kept, taken.answers, total - len(taken.kept)
    judged = msgspec.structs.replace(judged, rows=rows_taken(given, kept)) if refused else judged
    columns, signature = judged.rows.columns, bundle.signature
    answer = np.array(msgspec.json.decode(files[BASELINE], type=list[float]))
    baseline = np.tile(answer, (len(predicted), 1))
    others, notes = _champion_predictions(champion, rooms, columns)
    evidence = evaluate(
        bundle=bundle.digest,
        task=signature.task,
        classes=signature.classes,
        truth=judged.rows.truth,
        predicted=predicted,
        baseline=baseline,
        champion=others,
        champion_digest=champion.digest if champion else None,
        champion_threshold=champion.manifest.decision.threshold if champion else None,
        data_digest=data,
        measured_at=rooms.now(),
        code=code_version(),
        size_bytes=bundle.size_bytes,
        threshold=bundle.manifest.decision.threshold,
        extra_measures=(*_latencies(road, columns), _refused(refused, len(kept))),
        declared=judged.declared,
        groups=judged.rows.column(judged.declared.group),
        places=kept,
    )
    subject = subject_of(
        bundle, files, road, judged, places=kept, predicted=predicted, baseline=baseline, champion=others
    )
    left_out = refused_finding(road, given.columns, judged.wrong, kept)
    if left_out is not None:
        text = "{count} rows are left out, as the model's signature refuses them"
        notes = [*notes, note("refused_rows", text, count=refused)]
    found = {
        "refusals": Section(
            findings=() if left_out is None else (left_out,),
            checked=() if left_out is None else ("rows",),
            notes=(*notes, *emptied_notes(judged.emptied)),
        ),
        "latency": Section(details=_batches(road, columns)),
    }
    if not evidence.rows:
        found["nothing"] = Section(findings=(_nothing(bundle, total),), checked=("rows",))
    parts = announced({**SECTIONS, **(more or {})}, on_progress)
    whole = evidence if subject is None else with_sections(evidence, subject, parts)
    return msgspec.structs.replace(with_found(whole, found), rows_from=rows_from)


def _nothing(bundle: Bundle, rows: int) -> Finding:
    signature = bundle.signature
    known = ", ".join(signature.data_classes[:10])
    wanted = f"one of {known}" if signature.task == "classification" else "a number"
    return Finding(
        kind="rows",
        severity="stop",
        code="unusable",
        text=f"none of {rows} rows can be measured: the truth, {signature.target!r}, must be {wanted} in rows that the "
        "model accepts; write it as the model was trained with it.",
        values={"count": rows, "target": signature.target, "wanted": wanted},
    )


def _refused(count: int, accepted: int) -> Measure:
    return Measure(name="refused_rows", value=float(count), rows=count + accepted, better="lower")


def _champion_predictions(
    champion: Bundle | None, rooms: Rooms, columns: Table
) -> tuple[Float64 | None, Sequence[Note]]:
    if champion is None:
        return None, ()
    absent = [name for name in champion.signature.names if name not in columns]
    if absent:
        text = "the live model reads {column}, which these rows do not have, and is not measured"
        return None, (note("champion_columns", text, column=absent[0]),)
    taken = answered(open_bundle(champion, rooms.bundles.files(champion)), columns)
    count = len(next(iter(columns.values()))) - len(taken.kept)
    if count:
        text = "the live model refuses {count} of these rows, and is not measured"
        return None, (note("champion_refuses", text, count=count),)
    return taken.answers, ()


def _latencies(road: Road, columns: Table) -> list[Measure]:
    rows = _rows(road, columns, 1)
    return measure_latency(lambda: road.labels(road.rows(rows)), LATENCY_RUNS) if rows else []


def _batches(road: Road, columns: Table) -> dict[str, Any]:
    """Time rows as a caller sends them, by how many come at once; in this process, on this machine."""
    sizes = [size for size in BATCHES if size * len(road.signature.names) <= _BATCH_CELLS]
    taken = [rows for size in sizes if len(rows := _rows(road, columns, size)) == size]
    return timed_batches({len(rows): lambda rows=rows: road.labels(road.rows(rows)) for rows in taken})  # type: ignore[misc]


def timed_batches(asked: Mapping[int, Callable[[], object]]) -> dict[str, Any]:
    """Time questions, by how many rows each holds; nothing where there is none."""
    if not asked:
        return {}
    spent = [_timed(ask) for ask in asked.values()]
    return {
        "batch": list(asked),
        "p50_ms": [float(np.quantile(times, 0.5)) for times in spent],
        "p99_ms": [float(np.quantile(times, 0.99)) for times in spent],
        "rows_per_s": [rows / float(np.median(times)) * 1e3 for rows, times in zip(asked, spent, strict=True)],
    }


def _timed(run: Callable[[], object]) -> list[float]:
    run()
    spent: list[float] = []
    until = time.perf_counter() + _BATCH_S
    while len(spent) < _FEWEST_RUNS or (time.perf_counter() < until and len(spent) < _MOST_RUNS):
        started = time.perf_counter()
        run()
        spent.append((time.perf_counter() - started) * 1e3)
    return spent


def _rows(road: Road, columns: Table, size: int) -> list[list[Any]]:
    """Give the first rows as a caller sends them; few rows are repeated."""
    count = len(next(iter(columns.values()), ()))
    if not count:
        return []
    places = np.arange(size) % count
    return [[_plain(columns[name][place]) for name in road.signature.names] for place in places]


def _plain(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and np.isnan(plain) else plain
