"""``golive optimize``: from a bundle to a smaller or faster one that is as good, with the evidence for it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from golive import plugins
from golive.control.packing.package import RUNTIME, open_bundle
from golive.control.rooms import Rooms, code_version, environment
from golive.domain.bundle import Bundle, Manifest
from golive.domain.digest import Digest, short
from golive.domain.evidence import Evidence, Measure, RowsFrom
from golive.domain.preparation import Preparation
from golive.errors import DataError, UsageError
from golive.inference.explaining.background import BACKGROUND
from golive.inference.explaining.container import EXPLAINER
from golive.inference.front import compile_front
from golive.inference.road import open_road
from golive.optimization.limits import Limits
from golive.optimization.loss import Judge, Loss, default_metric
from golive.optimization.making import Apart
from golive.optimization.measured import Comparison, Reading
from golive.optimization.measuring import Graph, compare
from golive.optimization.plot import plot_svg
from golive.optimization.search import Searched, search
from golive.optimization.tried import Tried
from golive.packaging.build import PROFILE
from golive.packaging.explaining import explainer_file
from golive.packaging.profile import profile
from golive.ports import Candidate, Column, Float64, Int64, Optimizer, Subject
from golive.store.files import write_whole

LIMIT_S = 60.0
"""How long the measurement of one candidate may take; a second or two is usual."""
LEAST_MAKING_S = 30.0
"""So long the making of one candidate may take however small the budget is; else as long as the budget."""
MOST_ROWS = 20_000
"""More rows than this make no interval that matters narrower, and every candidate slower to judge."""
SEED = 20


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for."""

    limits: Limits = Limits()
    metric: str = ""
    """Empty: accuracy, or RMSE."""
    budget_s: float = 60.0
    """No candidate is begun after this many seconds."""
    only: tuple[str, ...] = ()
    """The optimizers to ask, by name; empty: all that are installed."""


class Rows(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The rows of one optimization, by column in the canonical form: to make candidates from, and to judge them by."""

    making: Mapping[str, Column]
    judging: Mapping[str, Column]
    truth: Float64 | Int64
    """Of the rows to judge by: values, or class indices (-1: unknown)."""
    data: Digest
    rows_from: RowsFrom = "given"
    trained: bool = False
    """Whether ``making`` are the rows that the model was trained on: the reference profile is then made anew."""


class Optimized(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What an optimization left."""

    parent: Bundle
    bundle: Bundle | None
    """The smaller or faster bundle; None where there is none that is good enough."""
    searched: Searched
    limits: Limits
    metric: str
    rows: int
    """Rows that candidates were judged on."""
    seconds: float
    evidence: Evidence | None
    """Attached to the new bundle."""
    plot: Path
    """Size, accuracy and latency of every candidate, as SVG."""


def optimize(
    bundle: Bundle,
    rows: Rows,
    plan: Plan,
    rooms: Rooms,
    *,
    told: Callable[[Tried], None],
) -> Optimized:
    """Try what optimizers offer for a bundle, and write the best of it as a child bundle.

    Raises:
        UsageError: the bundle takes tensors, is no graph or was made by an optimization itself, or there is no such
            metric.
        DataError: no row is left to judge by.
        NotFoundError: an optimizer is asked for that is not installed.
        MissingExtraError: the library that graphs are changed with is not installed.
    """
    started = time.monotonic()
    _check(bundle, plan)
    plugins.library("onnx")
    files = rooms.bundles.files(bundle)
    graph = files[bundle.manifest.graph]
    making, judging = _tensors(bundle.manifest, rows.making), _tensors(bundle.manifest, rows.judging)
    road = open_bundle(bundle, files)
    metric = plan.metric or default_metric(bundle.signature.task)
    judge = Judge(
        task=bundle.signature.task,
        metric=metric,
        truth=rows.truth,
        original=road.session.run(*judging),
        threshold=bundle.manifest.decision.threshold,
        seed=SEED,
    )
    subject = Subject(
        graph=graph,
        preparation=bundle.manifest.preparation,
        task=bundle.signature.task,
        numbers=making[0],
        codes=making[1],
        answers=road.session.run(*making),
        seed=SEED,
    )
    searched = search(
        subject,
        _optimizers(plan),
        judge=judge,
        measure=_measure(bundle.manifest, graph, judging, rows.judging),
        limits=plan.limits,
        has_time=lambda: time.monotonic() - started < plan.budget_s,
        told=told,
    )
    child = None if searched.best is None else _write(bundle, searched.best.candidate, rows, files, rooms)
    evidence = None
    if child is not None and searched.best is not None:
        evidence = _evidence(child, bundle, searched, plan.limits, rows, rooms)
        rooms.bundles.attach_evidence(evidence)
    return Optimized(
        parent=bundle,
        bundle=child,
        searched=searched,
        limits=plan.limits,
        metric=metric,
        rows=judge.rows,
        seconds=time.monotonic() - started,
        evidence=evidence,
        plot=_plot(bundle, searched, plan.limits, rooms),
    )


def accepted(bundle: Bundle, columns: Mapping[str, Column]) -> Int64:
    """Give the positions of the rows that a bundle's signature lets pass."""
    front = compile_front(bundle.manifest.preparation, bundle.signature)
    return np.flatnonzero(front.accepted(columns)).astype(np.int64)


def taken(columns: Mapping[str, Column], rows: Int64) -> dict[str, Column]:
    """Take rows of a table of columns."""
    return {name: column[rows] for name, column in columns.items()}


def halves(rows: Int64, share: float) -> tuple[Int64, Int64]:
    """Split rows at random, the same way each time: ``share`` of them first, at most :data:`MOST_ROWS` each."""
    mixed = np.random.default_rng(SEED).permutation(rows)
    border = round(len(mixed) * share)
    return np.sort(mixed[:border][:MOST_ROWS]), np.sort(mixed[border:][:MOST_ROWS])


def _check(bundle: Bundle, plan: Plan) -> None:
    if bundle.signature.task == "tensors":
        message = f"{bundle.name} takes tensors, and only bundles that take rows of a table can be optimized"
        raise UsageError(message)
    if bundle.manifest.runtime != RUNTIME:
        message = (
            f"{bundle.name} is run by {bundle.manifest.runtime!r}, and only graphs that {RUNTIME} runs can be "
            "optimized; package or import the model in a form that converts"
        )
        raise UsageError(message)
    if bundle.manifest.lineage.parent is not None:
        parent = bundle.manifest.lineage.parent
        message = (
            f"{bundle.name} {short(bundle.digest)} was itself made by optimizing {short(parent)}, and losses would add "
            f"up; optimize that one: golive optimize {short(parent)}"
        )
        raise UsageError(message)
    if not 0 <= plan.limits.max_loss < 1:
        message = f"the greatest loss is {plan.limits.max_loss}, but a share from 0 to 1 is needed, such as 0.005"
        raise UsageError(message)


def _optimizers(plan: Plan) -> list[Optimizer]:
    found: list[Optimizer] = (
        [plugins.load("optimizers", name) for name in plan.only] if plan.only else list(plugins.load_all("optimizers"))
    )
    limit_s = max(plan.budget_s, LEAST_MAKING_S)
    return [Apart(one, limit_s=limit_s) for one in sorted(found, key=lambda one: (one.effort_s, one.name))]


def _tensors(manifest: Manifest, columns: Mapping[str, Column]) -> tuple[Float64, Int64]:
    if not len(next(iter(columns.values()), ())):
        message = f"no row is left that {manifest.name} takes; give more rows"
        raise DataError(message)
    return compile_front(manifest.preparation, manifest.signature).columns(columns)


def _measure(
    manifest: Manifest, graph: bytes, rows: tuple[Float64, Int64], columns: Mapping[str, Column]
) -> Callable[[Candidate], Reading]:
    original = Graph(content=graph, runtime=manifest.runtime, numbers=rows[0], codes=rows[1])

    def measure(candidate: Candidate) -> Reading:
        mine = _tensors(_manifest_of(manifest, candidate), columns) if candidate.preparation else rows
        return compare(
            original,
            Graph(
                content=candidate.graph,
                runtime=candidate.runtime or manifest.runtime,
                numbers=mine[0],
                codes=mine[1],
            ),
            threshold=manifest.decision.threshold,
            is_classification=bool(manifest.signature.classes),
            limit_s=LIMIT_S,
        )

    return measure


def _manifest_of(manifest: Manifest, candidate: Candidate) -> Manifest:
    mine = candidate.preparation
    preparation = manifest.preparation
    if mine is not None:
        preparation = Preparation(
            steps=(*preparation.steps, *mine.steps), numbers=mine.numbers, categories=mine.categories
        )
    return msgspec.structs.replace(manifest, preparation=preparation, runtime=candidate.runtime or manifest.runtime)


def _write(bundle: Bundle, candidate: Candidate, rows: Rows, files: Mapping[str, bytes], rooms: Rooms) -> Bundle:
    manifest = _manifest_of(bundle.manifest, candidate)
    lineage = msgspec.structs.replace(
        manifest.lineage,
        parent=bundle.digest,
        model=f"{manifest.lineage.model}, {candidate.name}",
        code=code_version(),
        environment=environment(),
    )
    manifest = msgspec.structs.replace(manifest, lineage=lineage)
    # What the parent is explained with was made of another graph.
    written = {**files, manifest.graph: candidate.graph}
    written.pop(EXPLAINER, None)
    if BACKGROUND in files:
        road = open_road(manifest, candidate.graph, plugins.load("runtimes", manifest.runtime))
        written |= explainer_file(road, candidate.graph, rows.making, plugins.load_all("explainers"))
    if rows.trained:
        answers = plugins.load("runtimes", manifest.runtime).open(candidate.graph, threads=1)
        answered = answers.run(*_tensors(manifest, rows.making))
        made = profile(manifest.signature, rows.making, answered)
        written[PROFILE] = msgspec.json.encode(made, order="deterministic")
    return rooms.bundles.write(manifest, written, created_at=rooms.now())


def _evidence(child: Bundle, parent: Bundle, searched: Searched, limits: Limits, rows: Rows, rooms: Rooms) -> Evidence:
    best = searched.best
    measures = _measures(best.loss, best.comparison) if best and best.loss and best.comparison else ()
    return Evidence(
        bundle=child.digest,
        kind="optimization",
        data=rows.data,
        rows=len(rows.truth),
        rows_from=rows.rows_from,
        measured_at=rooms.now(),
        code=code_version(),
        measures=measures,
        details={
            "parent": parent.digest,
            "chosen": best.candidate.name if best else "",
            "max_loss": limits.max_loss,
            "prefer": limits.prefer,
            "candidates": [row_of(one, searched) for one in searched.tried],
            "left_out": list(searched.left_out),
        },
    )


def row_of(one: Tried, searched: Searched) -> dict[str, object]:
    """Say what was found about a candidate in plain values, for evidence and programs."""
    return {
        "name": one.candidate.name,
        "method": one.method,
        "outcome": one.outcome,
        "reason": one.reason,
        "pareto": any(one is other for other in searched.pareto),
        "chosen": one is searched.best,
        "cost": None if one.comparison is None else msgspec.to_builtins(one.comparison),
        "loss": None if one.loss is None else msgspec.to_builtins(one.loss),
    }


def summary(found: Optimized) -> dict[str, object]:
    """Give an optimization in plain values, for programs."""
    return {
        "parent": found.parent.digest,
        "bundle": None if found.bundle is None else found.bundle.digest,
        "metric": found.metric,
        "max_loss": found.limits.max_loss,
        "prefer": found.limits.prefer,
        "rows": found.rows,
        "seconds": found.seconds,
        "candidates": [row_of(one, found.searched) for one in found.searched.tried],
        "left_out": list(found.searched.left_out),
        "plot": str(found.plot),
    }


def _measures(loss: Loss, found: Comparison) -> tuple[Measure, ...]:
    rows, cost = loss.rows, found.candidate
    times = "on one core, in turns with the original"
    share = Measure(
        name="loss",
        value=loss.share,
        lower=loss.lower,
        upper=loss.upper,
        rows=rows,
        method="Poisson bootstrap of the paired difference",
        better="lower",
        note=f"worsening of {loss.metric} as a share of the original's",
    )
    return (
        Measure(name=loss.metric, value=loss.candidate, rows=rows),
        Measure(name=f"parent.{loss.metric}", value=loss.original, rows=rows),
        share,
        Measure(name="decisions_flipped", value=float(loss.flipped), rows=rows, better="lower"),
        Measure(name="graph_mb", value=cost.size_bytes / 1e6, better="lower"),
        Measure(name="parent.graph_mb", value=found.original.size_bytes / 1e6, better="lower"),
        Measure(name="one_row.p50_us", value=cost.p50_us, method=times, better="lower"),
        Measure(name="one_row.p99_us", value=cost.p99_us, method=times, better="lower"),
        Measure(name="one_row.speedup", value=found.one_row, method=times, better="higher"),
        Measure(name="thousand_rows.ms", value=cost.thousand_ms, method=times, better="lower"),
        Measure(name="thousand_rows.speedup", value=found.thousand_rows, method=times, better="higher"),
        Measure(name="load_ms", value=cost.load_ms, method=times, better="lower"),
        Measure(name="memory_mb", value=cost.memory_mb, method=times, better="lower"),
    )


def _plot(bundle: Bundle, searched: Searched, limits: Limits, rooms: Rooms) -> Path:
    path = rooms.home.reports / f"{bundle.name}-{short(bundle.digest)}.optimization.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, plot_svg(bundle.name, searched, max_loss=limits.max_loss).encode())
    return path
