"""``golive package``: from a fitted object to a bundle in the store, with the proof that both answer alike."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive import plugins
from golive.control.packing.proof import parity_text
from golive.control.project.file import Project
from golive.control.rooms import Rooms, code_version, environment
from golive.control.stages import Say, Stage, kept, key_of, source_digest
from golive.control.train import Trained
from golive.domain.bundle import Bundle, Lineage, Manifest
from golive.domain.digest import Digest, short
from golive.domain.evidence import Evidence
from golive.domain.signature import DType, Signature
from golive.errors import DataError, NotConvertibleError
from golive.evaluation.run import baseline_predictions
from golive.inference.explaining.background import MOST_ROWS
from golive.inference.road import Road, open_road
from golive.inference.table import columns_of
from golive.inference.values import text_of
from golive.packaging.boundary import boundary_rows
from golive.packaging.build import assemble, pack
from golive.packaging.explaining import explaining_files
from golive.packaging.finish import finished
from golive.packaging.parity import Original, Proof, prove
from golive.packaging.profile import profile
from golive.ports import Column, Converted, Float64, Framework, Int64
from golive.training.fitted import Fitted

RUNTIME = "onnxruntime"
BASELINE = "baseline.json"
"""The file of a bundle that holds the answer of a model that reads no input."""
_TRUTH_VALUES = {"true": 1.0, "false": 0.0}


def package(project: Project, trained: Trained, rooms: Rooms, *, say: Say) -> Bundle:
    """Convert the fitted object, prove the conversion, and write the bundle; or give the one already made.

    Raises:
        NotConvertibleError: a part of the pipeline has no exact form.
        ParityError: the converted model answers differently; the message shows the worst row.
    """
    key = key_of(
        trained=trained.key,
        name=project.name,
        optimization=project.optimization,
        answers=project.answers,
        immutable=project.evaluation.immutable,
        code=source_digest(
            "packaging", "adapters/frameworks", "adapters/explainers", "adapters/runtimes", "inference", "domain"
        ),
    )

    def make(folder: Path) -> None:
        bundle = _make(project, trained, rooms)
        (folder / "bundle.txt").write_text(bundle.digest, "utf-8")

    folder, reused, seconds = kept(rooms.home.cache, "package", key, make)
    bundle = rooms.bundles.open(rooms.bundles.find((folder / "bundle.txt").read_text("utf-8")).digest)
    text = f"{bundle.name} {short(bundle.digest)}, {bundle.size_bytes / 1e6:.2f} MB; {parity_text(bundle, rooms)}"
    say(Stage(name="package", text=text, seconds=seconds, reused=reused))
    return bundle


def framework_for(model: object) -> Framework:
    """Find the framework plug-in that knows a model.

    Raises:
        NotConvertibleError: none does.
    """
    frameworks: Iterator[Framework] = plugins.load_all("frameworks")
    for framework in frameworks:
        if framework.recognizes(model):
            return framework
    known = ", ".join(plugins.names("frameworks"))
    message = (
        f"no framework plug-in knows a {type(model).__module__}.{type(model).__qualname__}; installed are: {known}"
    )
    raise NotConvertibleError(message)


def converted_by(framework: Framework, model: Any, sample: Any, *, target: str) -> Converted:
    """Convert a fitted model.

    Raises:
        NotConvertibleError: a part has no exact form; the message names it, and the way out.
    """
    try:
        return framework.convert(model, sample, target=target)
    except NotConvertibleError as error:
        if "isolated" in error.message:
            raise
        message = f"{error.message}; or serve it as it is, in a process of its own, by packaging it with isolated=True"
        raise NotConvertibleError(message, field=error.field) from error


def open_bundle(bundle: Bundle, files: Mapping[str, bytes], *, threads: int = 1) -> Road:
    """Open a bundle's graph in this process."""
    manifest = bundle.manifest
    return open_road(manifest, files[manifest.graph], plugins.load("runtimes", manifest.runtime), threads=threads)


def lineage(trained: Trained, fitted: Fitted) -> Lineage:
    """Say where a trained model comes from."""
    best = trained.trials[trained.chosen]
    return Lineage(
        data={trained.source: trained.data},
        rows=trained.report.rows_train,
        code=code_version(),
        environment=environment(),
        seed=fitted.recipe.seed,
        model=best.candidate,
        parameters=msgspec.to_builtins(best.parameters),
    )


def prove_and_write(
    manifest: Manifest,
    converted: Converted,
    original: Original,
    rooms: Rooms,
    *,
    reference: Mapping[str, Column],
    proved_on: Mapping[str, Column],
    baseline: bytes,
    data: Digest,
    tolerance: float,
    seed: int,
    background: int = MOST_ROWS,
) -> Bundle:
    """Prove a conversion on real and on boundary rows, then write the bundle with the proof attached.

    Args:
        manifest: What the bundle says of itself.
        converted: The graph and where its answers can jump.
        original: The fitted object's answers to canonical columns.
        rooms: Where the bundle is written.
        reference: Training rows, for the reference profile.
        proved_on: Rows that both answer.
        baseline: The dummy's answer, kept beside the model.
        data: The digest of the rows.
        tolerance: The greatest allowed difference; a conversion that needs more says so (``Converted.tolerance``).
        seed: Chooses the boundary rows.
        background: How many training rows the bundle holds for explanations to compare with.

    Raises:
        ParityError: the two differ; the message shows the worst row.
    """
    road = open_road(manifest, converted.graph, plugins.load("runtimes", manifest.runtime))
    _refuse_several(road)
    boundary = boundary_rows(proved_on, converted.thresholds, manifest, rng=np.random.default_rng(seed))
    proof = prove(original, road, proved_on, boundary, tolerance=max(tolerance, converted.tolerance))
    return write_proved(
        road,
        converted.graph,
        proof,
        rooms,
        reference=reference,
        baseline=baseline,
        data=data,
        background=background,
    )


def refuse_several_targets(model: object, answers: Any) -> None:
    """Refuse several true answers a row: one number, or one label, is what a bundle of rows answers with.

    Raises:
        NotConvertibleError: there are several; the message says how to package them.
    """
    count = np.shape(answers)[1] if np.ndim(answers) > 1 else 1
    if count == 1:
        return
    name, each = type(model).__name__, _package_each(model, answers)
    message = f"{name} predicts {count} targets, and a bundle of rows answers with one; {each}"
    raise NotConvertibleError(message)


def _package_each(model: object, answers: Any) -> str:
    """Say how a model of several targets comes to a bundle for each, with the line that does it."""
    target = "Y.iloc[:, k]" if hasattr(answers, "iloc") else "Y[:, k]"
    if type(model).__name__.startswith("MultiOutput"):
        what, where = "package each of its .estimators_ with the target that it was fitted on", "model.estimators_[k]"
    else:
        what, where = "fit a model for each target and package those", f"clone(model).fit(X, {target})"
    line = f"golive.package({where}, sample=X, target={target}, name=f'model-{{k}}')"
    return f"{what}: {line} for k in range({np.shape(answers)[1]})"


def _refuse_several(road: Road) -> None:
    """Refuse a graph that gives more than its signature says: all but the first would be dropped without a word."""
    wanted = len(road.signature.classes) or 1
    preparation = road.manifest.preparation
    zeros = np.zeros((1, len(preparation.numbers))), np.zeros((1, len(preparation.categories)), np.int64)
    given = road.session.run(*zeros).shape[1]
    if given != wanted:
        message = (
            f"the model gives {given} numbers a row, and its signature has {wanted}; fit and package a model for each "
            "target"
        )
        raise NotConvertibleError(message)


def write_proved(
    road: Road,
    graph: bytes,
    proof: Proof,
    rooms: Rooms,
    *,
    reference: Mapping[str, Column],
    baseline: bytes,
    data: Digest,
    background: int = MOST_ROWS,
) -> Bundle:
    """Write the bundle of an opened graph, with the proof attached that it answers like its original."""
    manifest = road.manifest
    files = pack(manifest, graph, profile(manifest.signature, reference, road.columns(reference)))
    explaining = explaining_files(road, graph, reference, plugins.load_all("explainers"), rows=background)
    bundle = rooms.bundles.write(manifest, {**files, **explaining, BASELINE: baseline}, created_at=rooms.now())
    rooms.bundles.attach_evidence(
        Evidence(
            bundle=bundle.digest,
            kind="parity",
            data=data,
            rows=proof.rows,
            measured_at=rooms.now(),
            code=code_version(),
            measures=proof.measures,
            details=proof.details,
        )
    )
    return bundle


def baseline_file(signature: Signature, target: Any) -> bytes:
    """Write down what a model that reads no input would answer: the mean, or the class shares, as a JSON list.

    Raises:
        DataError: no true answer is of the kind that the model gives.
    """
    check_answers(signature, np.asarray(target))
    answer = baseline_predictions(signature.task, truth_of(signature, np.asarray(target)), signature.classes, 1)
    return msgspec.json.encode(answer[0].tolist())


def check_answers(signature: Signature, answers: npt.NDArray[Any]) -> None:
    """See that true answers are of the kind that the model gives.

    Raises:
        DataError: they are texts beside a number, or none of them is one of the classes.
    """
    if signature.task == "regression":
        if len(answers) and not _are_numbers(answers):
            message = (
                f"the model answers with numbers, but {signature.target!r} of the sample holds texts such as "
                f"{answers[0]!r}; name the column with the numbers it predicts"
            )
            raise DataError(message)
        return
    if len(answers) and (truth_of(signature, answers) < 0).all():
        shown = ", ".join(signature.classes[:10])
        message = (
            f"the model's classes are {shown}, but {signature.target!r} of the sample holds values such as "
            f"{answers[0]!r}; write the true answers as the model does"
        )
        raise DataError(message)


def _are_numbers(answers: npt.NDArray[Any]) -> bool:
    if answers.dtype.kind != "O":
        return answers.dtype.kind in "fiub"
    try:
        answers.astype(np.float64)
    except (ValueError, TypeError):
        return False
    return not any(isinstance(answer, str) for answer in answers.tolist())


def truth_of(signature: Signature, values: npt.NDArray[Any]) -> Float64 | Int64:
    """Bring true answers into the form that evaluation reads: float64 values, or class indices (-1: unknown).

    A class is recognized however it is written: of the labels 0 and 1, ``1``, ``1.0``, ``"1"`` and ``True`` are one.
    Where answers have names of their own for the classes, both these and those of the data are read.

    Raises:
        DataError: the answers are one number a row for a regression, and something here is none.
    """
    if signature.task == "regression":
        try:
            return values.astype(np.float64)
        except (ValueError, TypeError) as error:
            message = f"the true values of {signature.target!r} must be numbers ({error}); mend or leave out those rows"
            raise DataError(message) from error
    answered = _positions(signature.classes, signature.class_dtype, values)
    if not signature.known_as:
        return answered
    return np.where(answered < 0, _positions(signature.known_as, signature.known_dtype, values), answered)


def _positions(classes: tuple[str, ...], dtype: DType, values: npt.NDArray[Any]) -> Int64:
    index = {_label_key(name, dtype): position for position, name in enumerate(classes)}
    return np.array([index.get(_label_key(text_of(value), dtype), -1) for value in values.tolist()], np.int64)


def _label_key(text: str | None, dtype: DType) -> str | float | None:
    if text is None or dtype == "string":
        return text
    try:
        return _TRUTH_VALUES[text.lower()] if text.lower() in _TRUTH_VALUES else float(text)
    except ValueError:
        return text


def _make(project: Project, trained: Trained, rooms: Rooms) -> Bundle:
    fitted = trained.fitted()
    framework = framework_for(fitted.pipeline)
    sample = fitted.prepare(fitted.train_raw)
    converted = finished(
        converted_by(framework, fitted.pipeline, sample, target=project.target), project.answers.finish
    )
    manifest = assemble(
        project.name,
        converted,
        steps=fitted.steps,
        inputs=fitted.inputs,
        runtime=RUNTIME,
        lineage=lineage(trained, fitted),
        unit=fitted.signature.unit,
        immutable=project.evaluation.immutable,
    )
    bundle = prove_and_write(
        manifest,
        converted,
        lambda columns: framework.predict(fitted.pipeline, fitted.prepare(columns)),
        rooms,
        reference=table_columns(manifest.signature, fitted.train_raw),
        proved_on=table_columns(manifest.signature, fitted.test_raw),
        baseline=baseline_file(manifest.signature, fitted.train_target),
        data=trained.data,
        tolerance=project.optimization.tolerance,
        seed=project.seed,
        background=project.answers.background,
    )
    rooms.bundles.attach(
        bundle.digest,
        kind="data-report",
        content=msgspec.json.encode(trained.report),
        media_type="application/vnd.golive.data-report.v1+json",
        at=rooms.now(),
    )
    return bundle


def table_columns(signature: Signature, frame: Any) -> dict[str, Column]:
    """Give a data frame's columns in the canonical form."""
    return columns_of(signature, {str(name): frame[name].to_numpy() for name in frame.columns})
