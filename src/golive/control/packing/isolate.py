"""``golive package --isolated``: a fitted object without an exact graph, packaged with its code by consent."""

import io
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np

from golive import plugins
from golive.control.packing.opened import table_columns
from golive.control.packing.package import lineage, shown_of
from golive.control.packing.proof import Shown, parity_text, write_proved
from golive.control.packing.truth import baseline_file
from golive.control.project.file import Project
from golive.control.rooms import Rooms, code_version
from golive.control.stages import Say, Stage
from golive.control.train import Trained
from golive.domain.bundle import Bundle, Lineage, Manifest
from golive.domain.digest import digest_of_value, short
from golive.domain.preparation import Preparation, Vocabulary
from golive.domain.signature import DType, Field, Signature
from golive.errors import InvalidRowError, NotConvertibleError, VerificationError
from golive.inference.road import open_road
from golive.inference.table import columns_of
from golive.inference.values import text_of
from golive.packaging.boundary import boundary_rows
from golive.packaging.build import assemble
from golive.packaging.finish import UNFINISHED, Finish, finished
from golive.packaging.isolated import ARCHIVE, Isolated, Limits, Method, Seen, archive, opened
from golive.packaging.isolated_proof import AsGiven, Asked, prove_isolated
from golive.packaging.labels_only import NOTE, disagreeing, disagreement
from golive.packaging.lock import has_distribution, locked
from golive.ports import Column, Converted, Float64

RUNTIME = "isolated"
_ROOM = "golive.adapters.runtimes.isolated"
_ALWAYS = frozenset({"numpy", "joblib"})


class Look(msgspec.Struct, frozen=True):
    """What an object says of itself, see ``program.looked_at``."""

    kind: str
    methods: tuple[str, ...]
    classes: tuple[str, ...] | None
    dtype: str


class Original(msgspec.Struct, frozen=True, eq=False):
    """A fitted object here, asked in the way in which its process asks it."""

    model: Any
    told: Isolated

    def given(self, table: Any) -> Float64:
        """Answer a table as it is: float64 ``[n, outputs]``."""
        answer: Float64 = plugins.attribute(f"{_ROOM}.program", "answers")(
            self.model, self.told.method, self.told.outputs, table
        )
        return answer

    def columns(self, columns: Mapping[str, Column]) -> Float64:
        """Answer columns in the canonical form, by name, brought into the form of training."""
        seen = self.told.seen.columns
        count = len(next(iter(columns.values()), ()))
        numbers = np.empty((count, self.told.numbers))
        for position, column in enumerate(column for column in seen if column.kind == "number"):
            numbers[:, position] = columns[column.name]
        texts = [columns[column.name] for column in seen if column.kind == "text"]
        rows = plugins.attribute(f"{_ROOM}.program", "Rows")(msgspec.to_builtins(self.told.seen))
        answer: Float64 = plugins.attribute(f"{_ROOM}.program", "asked")(
            self.model, self.told.method, self.told.outputs, rows, numbers, texts
        )
        return answer


def isolated(model: Any, sample: Any, *, target: str, limits: Limits | None = None) -> Converted:
    """Put a fitted object into an archive for the runtime ``isolated``. The archive holds code.

    The object is loaded and asked once in a process of its own, under the running Python, to learn which modules it
    needs; the versions of the distributions that these come from are written down.

    Args:
        model: anything with ``predict`` (and ``predict_proba`` and ``classes_``, of a classifier).
        sample: rows as the model saw them in training: a DataFrame, or an array of numbers.
        target: the name of what is predicted.
        limits: what its process may take.

    Raises:
        NotConvertibleError: it cannot be written, or loaded elsewhere; the message says what stands in the way.
    """
    _refuse_by_path(model)
    seen, fields = plugins.attribute(f"{_ROOM}.seen", "seen_of")(sample)
    look = msgspec.convert(plugins.attribute(f"{_ROOM}.program", "looked_at")(model), Look)
    method, signature = signature_of(look, fields, target)
    method, notes = decided(model, sample, method, signature.classes)
    content = _written(model)
    outputs = len(signature.classes) or 1
    preparation = preparation_of(seen)
    python = plugins.attribute(f"{_ROOM}.environments", "running_python")()

    def packed(requirements: tuple[str, ...]) -> bytes:
        return archive(
            content,
            seen,
            python=python,
            requirements=requirements,
            method=method,
            outputs=outputs,
            limits=limits or Limits(),
        )

    wanted = _ALWAYS | ({"pandas"} if seen.container == "frame" else set())
    # Without a list the running Python is taken, which has what the object was fitted with.
    modules = _modules(packed(()), model)
    return Converted(
        graph=packed(locked(wanted | set(modules))),
        preparation=preparation,
        signature=signature,
        notes=("the model itself, with its code, in a process of its own", *notes),
    )


def package_isolated(
    model: Any,
    *,
    sample: Any,
    answers: Any,
    name: str,
    rooms: Rooms,
    limits: Limits | None = None,
    finish: Finish = UNFINISHED,
) -> Bundle:
    """Package a fitted object as it is, with its code, and prove that its own process answers like it here.

    Args:
        model: anything with ``predict`` (and ``predict_proba`` and ``classes_``, of a classifier).
        sample: rows as the model saw them in training: a DataFrame, or an array of numbers.
        answers: their true answers, for the dummy baseline; a Series gives the target its name.
        name: what the model is called.
        rooms: where the bundle is written.
        limits: what its process may take.
        finish: what becomes of its numbers before they are answers.

    Raises:
        NotConvertibleError: it cannot be loaded in another process.
        ParityError: the process answers differently.
    """
    target = str(getattr(answers, "name", None) or "target")
    converted = finished(isolated(model, sample, target=target, limits=limits), finish)
    columns = _columns_of(sample, converted.signature)
    listed = {field: column.tolist() for field, column in columns.items()}
    data = digest_of_value([listed, [text_of(answer) for answer in np.asarray(answers).tolist()]])
    origin = Lineage(data={"sample": data}, rows=len(sample), code=code_version(), model=type(model).__name__)
    original = Original(model, opened(converted.graph)[0])
    return written(
        converted,
        labelled(assemble(name, converted, lineage=origin), converted),
        original.columns,
        lambda start, stop: original.given(sample.iloc[start:stop] if hasattr(sample, "iloc") else sample[start:stop]),
        rooms,
        Shown(
            reference=columns,
            proved_on=columns,
            baseline=baseline_file(converted.signature, answers),
            data=data,
            background=finish.background,
        ),
    )


def package_project_isolated(project: Project, trained: Trained, rooms: Rooms, *, say: Say) -> Bundle:
    """Package a project's fitted object as it is, with its code, and prove that its own process answers like it here.

    Raises:
        NotConvertibleError: it cannot be loaded in another process.
        ParityError: the process answers differently.
    """
    started = time.monotonic()
    fitted = trained.fitted()
    converted = finished(
        isolated(fitted.pipeline, fitted.prepare(fitted.train_raw), target=project.target), project.answers.finish
    )
    made = assemble(
        project.name,
        converted,
        steps=fitted.steps,
        inputs=fitted.inputs,
        lineage=lineage(trained, fitted),
        unit=fitted.signature.unit,
        immutable=project.evaluation.immutable,
    )
    original = Original(fitted.pipeline, opened(converted.graph)[0])
    prepared = fitted.prepare(fitted.test_raw)

    def asked(columns: Mapping[str, Column]) -> Float64:
        frame = fitted.prepare(columns)
        return original.columns({str(name): frame[name].to_numpy() for name in frame.columns})

    bundle = written(
        converted,
        labelled(made, converted),
        asked,
        lambda start, stop: original.given(prepared.iloc[start:stop]),
        rooms,
        shown_of(project, trained, fitted, made),
    )
    text = f"{bundle.name} {short(bundle.digest)}, in a process of its own; {parity_text(bundle, rooms)}"
    say(Stage(name="package", text=text, seconds=time.monotonic() - started))
    return bundle


def labelled(manifest: Manifest, converted: Converted) -> Manifest:
    """Mark a bundle as one that holds code, with what that code needs."""
    told, _ = opened(converted.graph)
    environment = dict(requirement.split("==", 1) for requirement in told.requirements)
    origin = msgspec.structs.replace(
        manifest.lineage,
        environment={**manifest.lineage.environment, **environment, "python": told.python},
        parameters={**manifest.lineage.parameters, "holds": "code"},
    )
    return msgspec.structs.replace(manifest, runtime=RUNTIME, graph=ARCHIVE, lineage=origin)


def written(
    converted: Converted,
    manifest: Manifest,
    original: Asked,
    as_given: AsGiven,
    rooms: Rooms,
    shown: Shown,
) -> Bundle:
    """Prove that the process answers like the original, then write the bundle with the proof attached."""
    road = open_road(manifest, converted.graph, plugins.load("runtimes", RUNTIME))
    boundary = boundary_rows(shown.proved_on, converted.thresholds, manifest, rng=np.random.default_rng(0))
    proof = prove_isolated(original, as_given, road, shown.proved_on, boundary)
    return write_proved(road, converted.graph, proof, rooms, shown)


def _columns_of(sample: Any, signature: Signature) -> dict[str, Column]:
    if hasattr(sample, "columns"):
        return table_columns(signature, sample.rename(columns=str))
    array = np.asarray(sample)
    return columns_of(signature, {name: array[:, index] for index, name in enumerate(signature.names)})


def _refuse_by_path(model: Any) -> None:
    module = type(model).__module__
    if module == "builtins" or has_distribution(module):
        return
    message = (
        f"the class {type(model).__qualname__} comes from the module {module!r}, which belongs to no installed "
        "package, so no other process can load it; put it into a package, install that (pip install .), and fit again"
    )
    raise NotConvertibleError(message)


def _written(model: Any) -> bytes:
    content = io.BytesIO()
    try:
        plugins.library("joblib").dump(model, content)
    except Exception as error:  # the objects of other libraries raise whatever they like
        message = (
            f"the {type(model).__name__} cannot be written to a file ({type(error).__name__}: {error}); "
            "leave out open files, locks and functions without a name"
        )
        raise NotConvertibleError(message) from error
    return content.getvalue()


def _modules(content: bytes, model: Any) -> tuple[str, ...]:
    """Load and ask the object in a process of its own, and say which modules that took."""
    try:
        session = plugins.load("runtimes", RUNTIME).start(content, threads=1)
    except VerificationError as error:
        message = (
            f"the {type(model).__name__} cannot be loaded in another process ({error.message}); what it is made of "
            "must come from installed packages, not from a notebook or a file beside it"
        )
        raise NotConvertibleError(message) from error
    try:
        told = opened(content)[0]
        # That a model refuses such a row shows when it is proved; what it needs has been brought in by then.
        with suppress(InvalidRowError):
            session.run(np.zeros((1, told.numbers)), np.zeros((1, told.codes), np.int64))
        modules: tuple[str, ...] = session.modules()[0]
    finally:
        session.close()
    return modules


def preparation_of(seen: Seen) -> Preparation:
    """Say which columns are numbers, and what is known of the texts in the others."""
    return Preparation(
        numbers=tuple(column.name for column in seen.columns if column.kind == "number"),
        categories=tuple(Vocabulary(column.name, column.values) for column in seen.columns if column.kind == "text"),
    )


def decided(model: Any, table: Any, method: Method, classes: tuple[str, ...]) -> tuple[Method, tuple[str, ...]]:
    """See that an object's probabilities and its choices are the same; where they are not, its choices are answered.

    Args:
        model: the object, or what asks it elsewhere.
        table: rows as it saw them.
        method: how it is to be asked.
        classes: those that it tells apart, as texts.

    Returns:
        How it is asked, and what a person should know of that.
    """
    if method == "chosen":
        return method, (NOTE,)
    if method == "predict":
        return method, ()
    probabilities = plugins.attribute(f"{_ROOM}.program", "answers")(model, method, len(classes), table)
    count = disagreeing(model.predict(table), probabilities, classes)
    return ("chosen", (disagreement(count, len(table)),)) if count else (method, ())


def signature_of(look: Look, fields: tuple[Field, ...], target: str) -> tuple[Method, Signature]:
    """Say what an object is asked, and what it answers.

    Raises:
        NotConvertibleError: it has no predict, or is a classifier of several targets.
    """
    name = look.kind.rpartition(".")[2]
    if "predict" not in look.methods:
        message = f"{name} has no predict; give an object that has one"
        raise NotConvertibleError(message)
    if look.classes is None:
        return "predict", Signature(inputs=fields, task="regression", target=target)
    if not look.dtype:
        message = f"{name} predicts several targets; package a model for each of them"
        raise NotConvertibleError(message)
    dtypes: dict[str, DType] = {"b": "bool", "i": "int64", "u": "int64", "f": "float64"}
    return "predict_proba" if "predict_proba" in look.methods else "chosen", Signature(
        inputs=fields,
        task="classification",
        target=target,
        classes=look.classes,
        class_dtype=dtypes.get(look.dtype, "string"),
    )
