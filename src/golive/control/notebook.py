"""What a notebook types: package, evaluate, gate, deploy; what they give can act and shows itself."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import httpx
import msgspec
import numpy as np

from golive.control.bring import bring
from golive.control.deploy import deploy as deploy_release
from golive.control.deploy import one_at_a_time, release, rollback
from golive.control.evaluate import comparable
from golive.control.evaluate_tensors import Words, evaluate_arrays, refuse_training, refuse_words
from golive.control.explain import Wish as ExplainWish
from golive.control.explain import account_of, explain_rows
from golive.control.explained import ExplanationHandle
from golive.control.gate import refuse_unless_allowed
from golive.control.isolate import package_isolated
from golive.control.judged import Judged, extra_columns, usable_truth
from golive.control.live import ensure_running
from golive.control.measure import measure_bundle
from golive.control.package import (
    baseline_file,
    converted_by,
    framework_for,
    open_bundle,
    prove_and_write,
    refuse_several_targets,
)
from golive.control.refs import find_used, serving_release
from golive.control.rooms import Rooms, code_version, environment, open_rooms
from golive.control.rows_only import refuse_tensors
from golive.control.running.order import SupervisorOrder
from golive.control.status import Status
from golive.control.status import status as status_of
from golive.control.tensors import OpenTensors, is_of_tensors, open_tensors, package_tensors, tensor_framework_for
from golive.domain.bundle import Bundle, Lineage
from golive.domain.digest import Digest, digest_of_value, short
from golive.domain.evidence import Evidence
from golive.domain.judging import Declared
from golive.domain.naming import checked_name
from golive.domain.policy import Policy, Verdict
from golive.domain.release import Strategy
from golive.errors import DataError, InvalidRowError, NotFoundError, RequestError, UnavailableError, UsageError
from golive.evaluation.pages.notebook import evidence_html, figure_of, plots_of
from golive.evaluation.pages.phrases import Language
from golive.evaluation.subject import Rows
from golive.inference.counterfactual import Goal
from golive.inference.road import Road
from golive.inference.table import columns_of
from golive.inference.values import not_finite, text_of
from golive.judge import judge
from golive.packaging.build import assemble
from golive.packaging.finish import UNFINISHED, Finish, Finishing, finished, finished_original
from golive.serving.explaining.account import Account
from golive.settings import read_settings, secret_key

_TIMEOUT_S = 30.0


class BundleHandle:
    """A bundle that can answer."""

    def __init__(self, bundle: Bundle, rooms: Rooms) -> None:
        self.bundle = bundle
        self._rooms = rooms
        self._road: Road | None = None
        self._tensors: OpenTensors | None = None
        self._account: Account | None = None

    @property
    def digest(self) -> str:
        """The bundle's name in every store."""
        return self.bundle.digest

    @property
    def name(self) -> str:
        """What its author calls it."""
        return self.bundle.name

    @property
    def road(self) -> Road:
        """The bundle, opened in this process.

        Raises:
            UsageError: the model reads tensors and no rows.
        """
        refuse_tensors(self.bundle, f"ask it with .infer({{{self._example_name!r}: array}})")
        if self._road is None:
            self._road = open_bundle(self.bundle, self._rooms.bundles.files(self.bundle))
        return self._road

    def infer(self, inputs: Any) -> dict[str, np.ndarray[Any, Any]]:
        """Ask a model of tensors: arrays by name (or the only one) in, arrays by name out, as a server gives them.

        Raises:
            UsageError: the model reads rows.
            RequestError: an array is not what the signature says, or cannot go through the graph.
        """
        if self._tensors is None:
            self._tensors = open_tensors(self.bundle, self._rooms.bundles.files(self.bundle))
        return self._tensors.run(inputs)

    def predict(self, rows: Any) -> np.ndarray[Any, Any]:
        """Predict a data frame (or a mapping of columns): numbers or labels, the very ones a server gives."""
        return np.asarray(self.road.labels(self.road.columns(named_columns(rows, self.bundle))))

    def predict_proba(self, rows: Any) -> np.ndarray[Any, Any]:
        """Give float64 ``[rows, classes]``, one probability a class.

        Raises:
            UsageError: the model is a regression.
        """
        if not self.bundle.signature.classes:
            message = f"{self.name} predicts {self.bundle.signature.target}, a number; it has no probabilities"
            raise UsageError(message)
        return self.road.columns(named_columns(rows, self.bundle))

    def explain(
        self,
        rows: Any,
        *,
        output: Any = None,
        counterfactual: bool = False,
        target: Mapping[str, Any] | None = None,
        immutable: Sequence[str] = (),
    ) -> ExplanationHandle:
        """Say how much each input moved the answer to each row; one row shows itself as a waterfall.

        Args:
            rows: A data frame, a mapping of columns, or an array in the order of the signature.
            output: The class whose answer is explained; None for the second of two, else the one that was answered.
            counterfactual: Also look for the smallest changes that would have changed each answer.
            target: What it should have been: ``{"label": "yes"}``, ``{"at_least": 100.0}``, ``{"at_most": 50.0}``.
            immutable: Inputs that no change may touch, besides those that the bundle names.

        Raises:
            UnexplainableError: the bundle was packaged without background rows, or reads tensors.
            UsageError: what is asked does not fit the model.
        """
        if self._account is None:
            self._account = account_of(self.bundle, self._rooms)
        goal = Goal(**(target or {})) if counterfactual or target is not None else None
        label = None if output is None else str(output)
        wish = ExplainWish(output=label, goal=goal, immutable=tuple(immutable))
        return ExplanationHandle(explain_rows(self.bundle, self._account, named_columns(rows, self.bundle), wish))

    @property
    def _example_name(self) -> str:
        return next((tensor.name for tensor in self.bundle.signature.tensors), "input")

    def __repr__(self) -> str:
        return f"<golive bundle {self.name} {short(self.digest)}>"


class EvidenceHandle:
    """Evidence that shows itself as a table in a notebook."""

    def __init__(self, evidence: Evidence, bundle: BundleHandle) -> None:
        self.evidence = evidence
        self.bundle = bundle

    def __getitem__(self, name: str) -> float:
        """Give the value of a measure."""
        measure = self.evidence.find(name)
        if measure is None:
            raise KeyError(name)
        return measure.value

    @property
    def plots(self) -> tuple[str, ...]:
        """The names of the report's plots."""
        return tuple(plots_of(self.evidence))

    def plot(self, name: str, *, lang: Language = "en") -> Any:
        """Give a plot of the report as a figure of matplotlib.

        Raises:
            NotFoundError: there is no such plot.
        """
        drawn = plots_of(self.evidence, lang)
        if name not in drawn:
            message = f"there is no plot {name!r}; this evidence has {', '.join(drawn) or 'none'}"
            raise NotFoundError(message)
        return figure_of(drawn[name])

    def _repr_html_(self) -> str:
        return evidence_html(self.evidence)

    def __repr__(self) -> str:
        first = self.evidence.measures[0]
        return f"<golive evidence {first.name}={first.value:.5g} on {self.evidence.rows} rows>"


class LiveModel:
    """A name that serves."""

    def __init__(self, name: str, rooms: Rooms, url: str) -> None:
        self.name = name
        self.url = url
        self._rooms = rooms

    def predict(self, rows: Any) -> list[Any]:
        """Ask the server: a data frame, a list of dictionaries, or an array in the order of the signature.

        Raises:
            RequestError: the server refuses the rows; the message is the server's.
            UnavailableError: no server answers, or it cannot answer now.
        """
        body = msgspec.json.encode({"instances": self._instances(rows)})
        key = secret_key(self._rooms.settings)
        headers = {"X-Api-Key": key} if key else {}
        try:
            answer = httpx.post(
                f"{self.url}/v1/models/{self.name}:predict", content=body, headers=headers, timeout=_TIMEOUT_S
            )
        except httpx.TransportError as error:
            message = f"no server answers at {self.url} ({error}); `golive status` says what runs"
            raise UnavailableError(message) from error
        told = msgspec.json.decode(answer.content)
        if answer.status_code == httpx.codes.OK:
            return list(told["predictions"])
        kind = UnavailableError if answer.is_server_error else RequestError
        raise kind(told["error"], field=told["field"] or "")

    def _instances(self, rows: Any) -> list[dict[str, Any]]:
        if isinstance(rows, Sequence) and all(isinstance(row, Mapping) for row in rows):
            return [{name: _json(name, value) for name, value in row.items()} for row in rows]
        bundle = self._rooms.bundles.open(serving_release(self.name, self._rooms).bundle)
        columns = named_columns(rows, bundle)
        return [
            {name: _json(name, value) for name, value in zip(columns, row, strict=True)}
            for row in zip(*columns.values(), strict=True)
        ]

    def status(self) -> Status:
        """Say what serves."""
        return status_of(self._rooms)

    def rollback(self, *, to: int | None = None, reason: str = "") -> None:
        """Make an earlier release serve again."""
        rollback(self.name, self._rooms, to=to, reason=reason)

    def __repr__(self) -> str:
        return f"<golive live model {self.name} at {self.url}>"


def package(
    model: Any,
    *,
    sample: Any,
    name: str,
    target: Any = None,
    tolerance: float = 1e-9,
    isolated: bool = False,
    outputs: Sequence[str] = (),
    open_axes: Mapping[str, Sequence[int]] | None = None,
    immutable: Sequence[str] = (),
    home: str | None = None,
    **answers: Unpack[Finishing],
) -> BundleHandle:
    """Convert a fitted model, prove on the sample that both answer alike, and write the bundle.

    Args:
        model: A fitted estimator or pipeline of a supported framework.
        sample: Training rows as the model saw them: a DataFrame, a 2-d array of numbers, or of a model that reads one
            column (such as texts) that column alone. A column that is complete in them may not be missing in a
            request. For a network that reads tensors: arrays by name, ``{"image": array, ...}``, or one array of more
            than two axes; the bundle then reads and gives tensors.
        name: What the model is called.
        target: The rows' true answers, for the dummy baseline; a Series gives the target its name.
        tolerance: The greatest allowed difference to the original.
        isolated: Convert nothing; package the object itself, with its code, to be run in a process of its own.
        outputs: Of a network of tensors: names for what it gives.
        open_axes: Of a network of tensors: input -> the axes whose length is only known of a request, rows first;
            where not said, the first ones.
        immutable: Columns that no counterfactual may change, such as an age.
        home: A state folder; otherwise the project one stands in, or the user's own.
        **answers: What becomes of the model's numbers before they are answers: ``threshold=0.3`` (of two classes, the
            probability above which the second is answered), ``labels={0: "stays", 1: "leaves"}`` (what answers call
            the classes of the data), ``top_k=3`` (the most probable labels are answered, too), ``unit="EUR"``,
            ``target_transform="log1p"`` (what the target was transformed by before the model was trained, undone in
            the graph: ``"log"``, ``"log1p"``, ``"sqrt"`` or a fitted transformer of scikit-learn), ``background=0``
            (no training row stays in the bundle, so answers cannot be explained; otherwise 100 do).

    Raises:
        NotConvertibleError: a part has no exact form; the message names it.
        ParityError: the converted model answers differently.
        UsageError: a word about the answers does not fit the model.
    """
    rooms, finish, checked = _rooms(home), Finish(**answers), checked_name(name)
    if is_of_tensors(sample) and not isolated:
        if finish != UNFINISHED:
            message = (
                "the answers of a network of tensors are left as they are; leave out threshold, labels and the like"
            )
            raise UsageError(message)
        made = package_tensors(
            tensor_framework_for(model),
            model,
            sample,
            rooms,
            name=checked,
            target=str(getattr(target, "name", None) or ""),
            outputs=outputs,
            open_axes=open_axes,
            tolerance=tolerance,
        )
        return BundleHandle(made, rooms)
    sample = as_rows(sample, target)
    refuse_several_targets(model, target)
    if isolated:
        made = package_isolated(model, sample=sample, answers=target, name=checked, rooms=rooms, finish=finish)
    else:
        made = _converted(
            model, sample, target, rooms, name=checked, finish=finish, tolerance=tolerance, immutable=immutable
        )
    return BundleHandle(made, rooms)


def _converted(
    model: Any,
    sample: Any,
    target: Any,
    rooms: Rooms,
    *,
    name: str,
    finish: Finish,
    tolerance: float,
    immutable: Sequence[str],
) -> Bundle:
    """Write a model of rows as a graph, prove it on its sample, and keep it."""
    framework = framework_for(model)
    target_name = str(getattr(target, "name", None) or "target")
    converted = finished(converted_by(framework, model, sample, target=target_name), finish)
    columns = columns_of(converted.signature, _by_name(sample, converted.signature.names))
    data = digest_of_rows(columns, np.asarray(target))
    lineage = Lineage(
        data={"sample": data},
        rows=len(sample),
        code=code_version(),
        environment=environment(),
        model=type(model).__name__,
    )
    manifest = assemble(name, converted, lineage=lineage, immutable=immutable)

    def original(rows: Mapping[str, Any]) -> Any:
        return framework.predict(model, _like(sample, rows))

    return prove_and_write(
        manifest,
        converted,
        finished_original(original, finish),
        rooms,
        reference=columns,
        proved_on=columns,
        baseline=baseline_file(manifest.signature, target),
        data=data,
        tolerance=tolerance,
        seed=0,
        background=finish.background,
    )


def import_model(
    path: str | Path,
    *,
    name: str,
    sample: Any = None,
    target: str = "",
    trust: bool = False,
    isolated: bool = False,
    requirements: str | Path | None = None,
    outputs: Sequence[str] = (),
    open_axes: Mapping[str, Sequence[int]] | None = None,
    home: str | None = None,
    **answers: Unpack[Finishing],
) -> BundleHandle:
    """Bring in a model that was trained elsewhere, and prove that it answers the same; as ``golive import``.

    Args:
        path: A model file or folder.
        name: What the model is called.
        sample: A table file or a data frame: rows as the model saw them, and their true answers. An ONNX file needs
            none; it is then served as the tensors that it reads and gives. So is a network's file (TorchScript,
            torch.export, Keras) with arrays by name, here or in a ``.npz`` file.
        target: The column of the sample with the true answers.
        trust: Load a file that runs code (joblib, pickle), in a sandbox.
        isolated: Convert nothing; serve such a file as it is, with its code, in a process of its own.
        requirements: With ``isolated``, a file with what it needs, as ``pip freeze`` lists it; without one, the
            versions that are installed here.
        outputs: Of a network with arrays: names for what it gives.
        open_axes: Of a network with arrays: input -> the axes whose length is only known of a request.
        home: A state folder; otherwise the project one stands in, or the user's own.
        **answers: What becomes of the model's numbers before they are answers, as :func:`package` takes it.

    Raises:
        DataError: no format knows the file, or it is damaged or hostile.
        UsageError: a sample is needed, or ``trust``; the message lists what the file would load.
        NotConvertibleError: a part has no exact form.
        ParityError: the converted model answers differently.
    """
    rooms = _rooms(home)
    brought = bring(
        Path(path),
        rooms,
        name=name,
        sample=sample,
        target=target,
        trust=trust,
        isolated=isolated,
        requirements=None if requirements is None else Path(requirements),
        outputs=outputs,
        open_axes=open_axes,
        finish=Finish(**answers),
    )
    return BundleHandle(brought.bundle, rooms)


def load(reference: str, *, home: str | None = None) -> BundleHandle:
    """Open a bundle of the store by name, release, alias or digest; a bare name means what serves."""
    rooms = _rooms(home)
    return BundleHandle(find_used(reference, rooms), rooms)


def evaluate(
    bundle: BundleHandle,
    rows: Any,
    truth: Any,
    *,
    training: tuple[Any, Any] | None = None,
    against: BundleHandle | None = None,
    answer: str = "",
    classes: Sequence[str] = (),
    **declared: Any,
) -> EvidenceHandle:
    """Measure a bundle on rows with known answers, with 95 % intervals, against its dummy baseline, and look further.

    Args:
        bundle: What :func:`package` or :func:`load` gave.
        rows: A data frame, a mapping of columns, or an array in the order of the signature. Columns that the model
            does not read may be declared below. Of a model of tensors: arrays by name, or the only input.
        truth: One known answer a row: a Series, an array or a list, with labels written in any type; of a model of
            tensors also several numbers a row.
        training: The rows that it was trained on and their answers; with them the two can be compared.
        against: Another bundle to compare with on the same rows.
        answer: Of a model of tensors, the output that is measured, where there are several.
        classes: Of a model of tensors, the labels in the order of its answers; otherwise 0, 1, 2, and so on.
        **declared: What is known of the columns, as in the ``evaluation`` section of golive.yaml:
            ``sensitive=["sex"]``, ``time="date"``, ``costs={"false_negative": 5}``, ``kind="anomaly"`` and so on.

    Raises:
        DataError: there is not one answer for each row, or arrays do not fit the model.
        UsageError: a word is not one of that section, or ``against`` answers another question.
    """
    rooms = bundle._rooms  # noqa: SLF001 - a handle of this module
    said, words = _declared(declared), Words(answer=answer, classes=tuple(map(str, classes)))
    if bundle.bundle.signature.task == "tensors":
        refuse_training(bundle.bundle, training)
        other = None if against is None else against.bundle
        found = evaluate_arrays(bundle.bundle, rows, truth, rooms, words=words, declared=said, against=other)
        return EvidenceHandle(found, bundle)
    refuse_words(bundle.bundle, words)
    test, data = _answered(bundle.bundle, rows, truth, said)
    judged = Judged(
        rows=test, training=None if training is None else _answered(bundle.bundle, *training, said)[0], declared=said
    )
    champion = None if against is None else comparable(bundle.bundle, against.bundle)
    evidence = measure_bundle(bundle.bundle, rooms, judged=judged, champion=champion, data=data)
    rooms.bundles.attach_evidence(evidence)
    return EvidenceHandle(evidence, bundle)


def _declared(said: Mapping[str, Any]) -> Declared:
    try:
        return msgspec.convert({key: _plainly(value) for key, value in said.items()}, Declared)
    except msgspec.ValidationError as error:
        message = f"what is declared of the rows cannot be read: {error}; write it as the evaluation section is written"
        raise UsageError(message) from error


def _plainly(value: Any) -> Any:
    return msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value


def _answered(bundle: Bundle, rows: Any, truth: Any, declared: Declared) -> tuple[Rows, Digest]:
    """Bring rows and their known answers into the canonical form, and give the digest of both."""
    columns = columns_of(bundle.signature, named_columns(rows, bundle))
    answers = np.asarray(truth)
    count = len(next(iter(columns.values())))
    if answers.shape != (count,):
        message = f"there are {count} rows, but known answers of the shape {answers.shape}; give one for each row"
        raise DataError(message)
    extra = extra_columns(rows, declared, bundle.signature) if hasattr(rows, "columns") else {}
    found = Rows(columns=columns, extra=extra, truth=usable_truth(bundle.signature, answers))
    return found, digest_of_rows(columns, answers)


def gate(evidence: EvidenceHandle, *rules: str, min_rows: int = 30, force: str = "") -> Verdict:
    """Judge evidence by rules such as ``"rmse.upper <= 30000"``; with a reason in ``force``, go on against them."""
    return judge(evidence.evidence, Policy(rules=rules, min_rows=min_rows), forced=force)


def deploy(
    name: str,
    bundle: BundleHandle,
    *,
    verdict: Verdict,
    to: str = "local",
    strategy: Strategy = "direct",
    port: int = 8080,
    admin_port: int = 8082,
) -> LiveModel:
    """Release a bundle that passed the gate and make it serve; starts a server when none runs.

    Raises:
        GateRefusedError: the verdict does not allow it.
        UsageError: the name is not the bundle's, or the verdict is about another bundle.
    """
    if name != bundle.name or verdict.bundle != bundle.digest:
        message = f"the verdict is about {short(verdict.bundle)} and the name is {name!r}, but this is {bundle!r}"
        raise UsageError(message)
    refuse_unless_allowed(verdict, bundle.bundle)
    rooms = bundle._rooms  # noqa: SLF001 - a handle of this module
    order = SupervisorOrder(state=str(rooms.home.folder), port=port, admin_port=admin_port)
    with one_at_a_time(rooms):
        made = release(bundle.bundle, verdict, rooms)
        server = ensure_running(order, detach=True, log=rooms.home.log)
        deploy_release(name, made.version, rooms, target=to, strategy=strategy)
    return LiveModel(name, rooms, server.url)


def status(*, home: str | None = None) -> Status:
    """Say what serves."""
    return status_of(_rooms(home))


def named_columns(rows: Any, bundle: Bundle) -> Mapping[str, Any]:
    """Give columns by name; an array's columns are taken in the order of the signature."""
    return _by_name(rows, bundle.signature.names)


def as_rows(sample: Any, target: Any) -> Any:
    """Give a sample of rows that can be counted and cut: a list becomes an array, of texts one of objects.

    Raises:
        UsageError: the rows have no true answers.
    """
    if target is None:
        message = "target= is needed: one true answer for each row of the sample, for the dummy baseline"
        raise UsageError(message)
    return sample if hasattr(sample, "shape") else _listed(sample)


def _listed(sample: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(sample)
    return array.astype(object) if array.dtype.kind in "UT" else array


def _by_name(rows: Any, names: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(rows, Mapping):
        return rows
    if hasattr(rows, "columns"):
        return {str(name): rows[name].to_numpy() for name in rows.columns}
    array = rows.to_numpy() if hasattr(rows, "to_numpy") else _listed(rows)
    if array.ndim == 1 and len(names) == 1:
        return {names[0]: array}
    if array.ndim != 2 or array.shape[1] != len(names):  # noqa: PLR2004 - rows and columns
        message = (
            f"an array of the shape {array.shape} was found, but {len(names)} values a row are needed "
            f"({', '.join(names)}); give the rows as a data frame or as a 2-d array in that order"
        )
        raise RequestError(message)
    return {name: array[:, index] for index, name in enumerate(names)}


def _like(sample: Any, rows: Mapping[str, Any]) -> Any:
    if not hasattr(sample, "columns"):
        # A model that reads one column was given that column alone.
        return next(iter(rows.values())) if sample.ndim == 1 else np.column_stack([rows[name] for name in rows])
    # A column that the model was given and does not read may hold anything.
    return type(sample)(
        {name: rows[str(name)] if str(name) in rows else sample[name].iloc[0] for name in sample.columns}
    )


def digest_of_rows(columns: Mapping[str, Any], answers: Any) -> Digest:
    """Name rows and their known answers."""
    listed = {name: column.tolist() for name, column in columns.items()}
    return digest_of_value([listed, [text_of(answer) for answer in answers.tolist()]])


def _json(name: str, value: Any) -> Any:
    """Give a value as JSON has it, which has no NaN, no infinity and no dates."""
    plain = value.item() if isinstance(value, np.generic) and value.dtype.kind not in "mM" else value
    if isinstance(plain, float):
        if math.isinf(plain):
            raise InvalidRowError(not_finite(name, plain), field=name)
        return None if math.isnan(plain) else plain
    return plain if isinstance(plain, (bool, int)) else text_of(plain)


def _rooms(home: str | None) -> Rooms:
    settings = read_settings()
    return open_rooms(settings=msgspec.structs.replace(settings, home=Path(home)) if home else settings)
