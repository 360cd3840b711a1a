"""``golive optimize``: from a bundle to a smaller or faster one that is as good, with the evidence for it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from golive import plugins
from golive.control.optimizing.halves import SEED, Rows
from golive.control.optimizing.told import evidence_of, row_of
from golive.control.packing.opened import open_bundle
from golive.control.packing.proof import RUNTIME
from golive.control.rooms import Rooms, code_version, environment
from golive.domain.bundle import Bundle, Manifest
from golive.domain.digest import short
from golive.domain.evidence import Evidence
from golive.domain.preparation import Preparation
from golive.errors import DataError, UsageError
from golive.inference.explaining.background import BACKGROUND
from golive.inference.explaining.container import EXPLAINER
from golive.inference.front import compile_front
from golive.inference.road import open_road
from golive.optimization.limits import Limits
from golive.optimization.loss import Judge, default_metric
from golive.optimization.making import Apart
from golive.optimization.measured import Reading
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


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for."""

    limits: Limits = Limits()
    metric: str = ""
    """Empty: accuracy, or RMSE."""
    budget_s: float = 60.0
    """No candidate is begun after this many seconds."""
    only: tuple[str, ...] = ()
    """The optimizers to ask, by name; empty: all that are installed."""


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
    judge = _judge(bundle, rows, road.session.run(*judging), metric)
    subject = _subject(bundle, graph, making, road.session.run(*making))
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
        evidence = evidence_of(child, bundle, searched, plan.limits, rows, rooms)
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


def _judge(bundle: Bundle, rows: Rows, answers: Float64, metric: str) -> Judge:
    return Judge(
        task=bundle.signature.task,
        metric=metric,
        truth=rows.truth,
        original=answers,
        threshold=bundle.manifest.decision.threshold,
        seed=SEED,
    )


def _subject(bundle: Bundle, graph: bytes, rows: tuple[Float64, Int64], answers: Float64) -> Subject:
    return Subject(
        graph=graph,
        preparation=bundle.manifest.preparation,
        task=bundle.signature.task,
        numbers=rows[0],
        codes=rows[1],
        answers=answers,
        seed=SEED,
    )


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


def _plot(bundle: Bundle, searched: Searched, limits: Limits, rooms: Rooms) -> Path:
    path = rooms.home.reports / f"{bundle.name}-{short(bundle.digest)}.optimization.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, plot_svg(bundle.name, searched, max_loss=limits.max_loss).encode())
    return path
