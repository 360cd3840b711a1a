"""What a notebook types: package, evaluate, gate, deploy; what they give can act and shows itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import msgspec
import numpy as np
import pandas as pd

from golive.control.bringing.bring import bring
from golive.control.deploy import deploy as deploy_release
from golive.control.deploy import one_at_a_time, release
from golive.control.judging.evaluate import comparable
from golive.control.judging.gate import refuse_unless_allowed
from golive.control.judging.judged import Judged, ReadRows, extra_columns, read_rows
from golive.control.judging.measure import measure_bundle
from golive.control.judging.tensorial.evaluate import evaluate_arrays
from golive.control.judging.tensorial.words import Words, refuse_training, refuse_words
from golive.control.live import ensure_running
from golive.control.notebook.frames import as_rows, by_name, digest_of_rows, like, named_columns
from golive.control.notebook.handles import BundleHandle, EvidenceHandle, LiveModel
from golive.control.packing.frameworks import converted_by, framework_for, refuse_several_targets
from golive.control.packing.isolate import package_isolated
from golive.control.packing.proof import Shown, prove_and_write
from golive.control.packing.tensors import is_of_tensors, package_tensors, tensor_framework_for
from golive.control.packing.truth import baseline_file
from golive.control.refs import find_used
from golive.control.rooms import Rooms, code_version, environment, open_rooms
from golive.control.rules import refuse_unanswerable
from golive.control.running.order import SupervisorOrder
from golive.control.status import Status
from golive.control.status import status as status_of
from golive.domain.bundle import Bundle, Lineage
from golive.domain.digest import Digest, short
from golive.domain.judging import Declared
from golive.domain.naming import checked_name
from golive.domain.policy import Policy, Verdict
from golive.domain.release import Strategy
from golive.errors import DataError, PolicyError, UsageError
from golive.evaluation.subject import Rows
from golive.inference.table import columns_of
from golive.judge import judge
from golive.packaging.build import assemble
from golive.packaging.finish import UNFINISHED, Finish, Finishing, finished, finished_original
from golive.settings import read_settings

_LISTS = frozenset({"sensitive", "slices", "identifiers", "immutable"})


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
    columns = columns_of(converted.signature, by_name(sample, converted.signature.names))
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
        return framework.predict(model, like(sample, rows))

    return prove_and_write(
        manifest,
        converted,
        finished_original(original, finish),
        rooms,
        Shown(
            reference=columns,
            proved_on=columns,
            baseline=baseline_file(manifest.signature, target),
            data=data,
            background=finish.background,
        ),
        tolerance=tolerance,
        seed=0,
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
    refuse_words(bundle.bundle.name, bundle.bundle.signature.target, words)
    read, data = _answered(bundle.bundle, rows, truth, said)
    judged = Judged(
        rows=read.rows,
        wrong=read.wrong,
        training=None if training is None else _training(bundle.bundle, training, said),
        declared=said,
    )
    champion = None if against is None else comparable(bundle.bundle, against.bundle)
    evidence = measure_bundle(bundle.bundle, rooms, judged=judged, champion=champion, data=data)
    rooms.bundles.attach_evidence(evidence)
    return EvidenceHandle(evidence, bundle)


def _declared(said: Mapping[str, Any]) -> Declared:
    try:
        return msgspec.convert({key: _plainly(key, value) for key, value in said.items()}, Declared)
    except msgspec.ValidationError as error:
        message = f"what is declared of the rows cannot be read: {error}; write it as the evaluation section is written"
        raise UsageError(message) from error


def _plainly(key: str, value: Any) -> Any:
    if isinstance(value, str) and key in _LISTS:
        return [value]
    return msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value


def _training(bundle: Bundle, given: Any, declared: Declared) -> Rows:
    if not isinstance(given, tuple) or len(given) != 2:  # noqa: PLR2004 - rows and answers
        message = f"training is a pair, (rows, answers), found a {type(given).__name__}; give both"
        raise UsageError(message)
    return _answered(bundle, *given, declared)[0].sound


def _answered(bundle: Bundle, rows: Any, truth: Any, declared: Declared) -> tuple[ReadRows, Digest]:
    """Bring rows and their known answers into the canonical form, and give the digest of both."""
    table = named_columns(rows, bundle)
    _refuse_other_order(rows, truth)
    answers = np.asarray(truth)
    extra = extra_columns(rows, declared, bundle.signature) if hasattr(rows, "columns") else {}
    found = read_rows(bundle, table, answers, extra)
    # What could not be read is missing in the columns, and other rows than those where it is.
    named = {**found.rows.columns, **{f"{one.column} unread": one.rows for one in found.wrong}}
    return found, digest_of_rows(named, answers)


def _refuse_other_order(rows: Any, truth: Any) -> None:
    """Refuse answers whose index says that they belong to other rows: they are matched by position."""
    if not (isinstance(rows, pd.DataFrame) and isinstance(truth, pd.Series)) or len(rows) != len(truth):
        return
    if not rows.index.equals(truth.index):
        message = (
            "the rows and their known answers have different indexes, but are matched by position; give them in one "
            "order, such as truth.loc[rows.index], or give the answers as an array"
        )
        raise DataError(message)


def gate(evidence: EvidenceHandle, *rules: str, min_rows: int = 30, force: str = "") -> Verdict:
    """Judge evidence by rules such as ``"rmse.upper <= 30000"``; with a reason in ``force``, go on against them.

    Raises:
        PolicyError: a rule cannot be read, or names what is never measured.
    """
    kinds = {type(rule).__name__ for rule in rules} - {"str"}
    if kinds:
        message = f"a rule is a text such as 'rmse.upper <= 30000', found a {min(kinds)}; give one text after another"
        raise PolicyError(message)
    signature = evidence.bundle.bundle.signature
    refuse_unanswerable(rules, signature.task, classes=signature.classes)
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


def _rooms(home: str | None) -> Rooms:
    settings = read_settings()
    return open_rooms(settings=msgspec.structs.replace(settings, home=Path(home)) if home else settings)
