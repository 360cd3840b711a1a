"""What a notebook types: package, evaluate, gate, deploy; what they give can act and shows itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec
import numpy as np

from golive.control.deploy import deploy as deploy_release
from golive.control.deploy import release, rollback
from golive.control.evaluate import measure_bundle
from golive.control.gate import refuse_unless_allowed
from golive.control.home import Home
from golive.control.live import ensure_running, require_running
from golive.control.order import SupervisorOrder
from golive.control.package import baseline_file, framework_for, open_bundle, prove_and_write, truth_of
from golive.control.refs import find_bundle
from golive.control.rooms import Rooms, code_version, environment, open_rooms
from golive.control.status import Status
from golive.control.status import status as status_of
from golive.domain.bundle import Bundle, Lineage
from golive.domain.digest import digest_of_value, short
from golive.domain.evidence import Evidence
from golive.domain.naming import checked_name
from golive.domain.policy import Policy, Verdict
from golive.domain.release import Strategy
from golive.errors import GoliveError, UsageError
from golive.evaluation.notebook import evidence_html
from golive.inference.road import Road
from golive.inference.table import columns_of
from golive.judge import judge
from golive.packaging.build import assemble

_TIMEOUT_S = 30.0


class BundleHandle:
    """A bundle that can answer."""

    def __init__(self, bundle: Bundle, rooms: Rooms) -> None:
        self.bundle = bundle
        self._rooms = rooms
        self._road: Road | None = None

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
        """The bundle, opened in this process."""
        if self._road is None:
            self._road = open_bundle(self.bundle, self._rooms.bundles.files(self.bundle))
        return self._road

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
        """Ask the server, with rows by name: a data frame, or a list of dictionaries.

        Raises:
            GoliveError: the server refuses the rows; the message is the server's.
        """
        given = rows.to_dict("records") if hasattr(rows, "to_dict") else list(rows)
        body = msgspec.json.encode({"instances": [{key: _json(value) for key, value in row.items()} for row in given]})
        answer = httpx.post(f"{self.url}/v1/models/{self.name}:predict", content=body, timeout=_TIMEOUT_S)
        told = answer.json()
        if answer.status_code != httpx.codes.OK:
            raise GoliveError(told.get("error", answer.text), field=told.get("field", ""))
        return list(told["predictions"])

    def status(self) -> Status:
        """Say what serves."""
        return status_of(self._rooms)

    def rollback(self, *, to: int | None = None, reason: str = "") -> None:
        """Make an earlier release serve again."""
        rollback(self.name, self._rooms, to=to, reason=reason)

    def __repr__(self) -> str:
        return f"<golive live model {self.name} at {self.url}>"


def package(
    model: Any, *, sample: Any, target: Any, name: str, tolerance: float = 1e-9, home: str | None = None
) -> BundleHandle:
    """Convert a fitted model, prove on the sample that both answer alike, and write the bundle.

    Args:
        model: A fitted estimator or pipeline of a supported framework.
        sample: Training rows as the model saw them (a DataFrame, or a 2-d array of numbers).
        target: Their true answers, for the dummy baseline; a Series gives the target its name.
        name: What the model is called.
        tolerance: The greatest allowed difference to the original.
        home: A state folder; otherwise the project one stands in, or the user's own.

    Raises:
        NotConvertibleError: a part has no exact form; the message names it.
        ParityError: the converted model answers differently.
    """
    rooms = _rooms(home)
    framework = framework_for(model)
    converted = framework.convert(model, sample, target=str(getattr(target, "name", None) or "target"))
    lineage = Lineage(rows=len(sample), code=code_version(), environment=environment(), model=type(model).__name__)
    manifest = assemble(checked_name(name), converted, lineage=lineage)
    columns = columns_of(manifest.signature, _by_name(sample, manifest.signature.names))

    def original(rows: Mapping[str, Any]) -> Any:
        return framework.predict(model, _like(sample, rows))

    bundle = prove_and_write(
        manifest,
        converted,
        original,
        rooms,
        reference=columns,
        proved_on=columns,
        baseline=baseline_file(manifest.signature, target),
        data=digest_of_value(lineage),
        tolerance=tolerance,
        seed=0,
    )
    return BundleHandle(bundle, rooms)


def load(reference: str, *, home: str | None = None) -> BundleHandle:
    """Open a bundle of the store by name, release, alias or digest."""
    rooms = _rooms(home)
    return BundleHandle(find_bundle(reference, rooms), rooms)


def evaluate(bundle: BundleHandle, rows: Any, truth: Any) -> EvidenceHandle:
    """Measure a bundle on rows with known answers, with 95 % intervals, against its dummy baseline."""
    rooms = bundle._rooms  # noqa: SLF001 - a handle of this module
    columns = columns_of(bundle.bundle.signature, named_columns(rows, bundle.bundle))
    evidence = measure_bundle(
        bundle.bundle,
        rooms,
        columns=columns,
        truth=truth_of(bundle.bundle.signature, np.asarray(truth)),
        champion=None,
        data=digest_of_value([len(np.asarray(truth)), bundle.digest]),
    )
    rooms.bundles.attach_evidence(evidence)
    return EvidenceHandle(evidence, bundle)


def gate(evidence: EvidenceHandle, *rules: str, min_rows: int = 30) -> Verdict:
    """Judge evidence by rules such as ``"rmse.upper <= 30000"``."""
    return judge(evidence.evidence, Policy(rules=rules, min_rows=min_rows))


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
    made = release(bundle.bundle, verdict, rooms)
    order = SupervisorOrder(state=str(rooms.home.folder), port=port, admin_port=admin_port)
    server = ensure_running(order, detach=True, log=rooms.home.log)
    deploy_release(name, made.version, rooms, target=to, strategy=strategy)
    return LiveModel(name, rooms, server.url)


def status(*, home: str | None = None) -> Status:
    """Say what serves."""
    return status_of(_rooms(home))


def connect(name: str, *, home: str | None = None) -> LiveModel:
    """Take hold of a name that serves already."""
    rooms = _rooms(home)
    return LiveModel(name, rooms, require_running(rooms.home.folder).url)


def named_columns(rows: Any, bundle: Bundle) -> Mapping[str, Any]:
    """Give columns by name; an array's columns are taken in the order of the signature."""
    return _by_name(rows, bundle.signature.names)


def _by_name(rows: Any, names: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(rows, Mapping):
        return rows
    if hasattr(rows, "columns"):
        return {str(name): rows[name].to_numpy() for name in rows.columns}
    array = np.asarray(rows)
    return {name: array[:, index] for index, name in enumerate(names)}


def _like(sample: Any, rows: Mapping[str, Any]) -> Any:
    if not hasattr(sample, "columns"):
        return np.column_stack([rows[name] for name in rows])
    return type(sample)({name: rows[str(name)] for name in sample.columns})


def _json(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and np.isnan(plain) else plain


def _rooms(home: str | None) -> Rooms:
    rooms = open_rooms()
    if home is None:
        return rooms
    return open_rooms(settings=msgspec.structs.replace(rooms.settings, home=Home(rooms.home.folder).folder))
