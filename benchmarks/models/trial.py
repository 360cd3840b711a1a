"""One kind of model, tried: converted, isolated or refused; how equal it is; how fast before and after."""

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pandas as pd

import golive
from benchmarks.models.data import Table, table
from golive.control.notebook.verbs import BundleHandle
from golive.control.rooms import open_rooms
from golive.errors import GoliveError
from golive.settings import Settings

Outcome = Literal["converted", "isolated", "tensors", "refused"]
MANY = 1000


class Made(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A model that its own library fitted, and how it comes to golive."""

    predict: Callable[[pd.DataFrame], Any]
    """The library's own answer to rows: labels, or numbers."""
    answers: Any = None
    """True answers, where they are others than the table's, such as the numbers of classes."""
    model: Any = None
    """What is packaged; ``None`` where a file is imported."""
    path: Path | None = None
    trust: bool = False
    sample: bool = True
    """Whether a file is imported with rows; else as tensors."""


class Kind(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A kind of model: how one is made, and of which rows."""

    framework: str
    name: str
    on: str
    make: Callable[[Table, Path], Made]
    group: str = ""
    most: int = 2000
    """Rows that it is fitted on."""


Make = Callable[[Table, Path], Made]


def kind(framework: str, name: str, on: str, make: Make) -> Kind:
    """Give a kind of a framework whose page has one table."""
    return Kind(framework=framework, name=name, on=on, make=make)


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """How long an answer takes: the median, in microseconds."""

    own: float
    served: float

    @property
    def times(self) -> float:
        """How many times faster the served model is."""
        return self.own / self.served


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a kind."""

    framework: str
    group: str
    name: str
    on: str
    outcome: Outcome
    rows: int = 0
    """Rows of the proof: real ones and those made to break the conversion."""
    difference: float = 0.0
    tolerance: float = 0.0
    flipped: int = 0
    ties: int = 0
    decisions: int = 0
    """Real rows on which ``predict`` of the bundle was compared with the library's own ``predict``."""
    differing: int = 0
    """Those among them with another label, or with another number than the tolerance allows."""
    one: Speed | None = None
    many: Speed | None = None
    reason: str = ""
    """Why it was not converted."""


def tried(kind: Kind, *, rows: int, budget_s: float, isolate: bool = True) -> Found:
    """Try a kind on at most so many rows; with a budget of zero, speed is not measured."""
    given = table(kind.on).few(min(rows, kind.most))
    told = {"framework": kind.framework, "group": kind.group, "name": kind.name, "on": kind.on}
    with tempfile.TemporaryDirectory(prefix="golive-models-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        made = kind.make(given, folder)
        try:
            return _judged(_brought(made, given, folder), made, given, told, budget_s)
        except GoliveError as error:
            reason = plain(error.message, folder)
        try:
            if made.model is None or not isolate:
                return Found(**told, outcome="refused", reason=reason)
            alone = _packaged(made, given, folder, isolated=True)
        except GoliveError as error:
            both = f"{reason}. Isolated: {plain(error.message, folder)}" if made.model is not None else reason
            return Found(**told, outcome="refused", reason=both)
        return _judged(alone, made, given, {**told, "reason": reason}, budget_s)


def plain(message: str, folder: Path) -> str:
    """Give a message without the folder of this trial and what every refusal offers."""
    words = message.replace(f"{folder}/", "").replace(str(folder), "FOLDER")
    return words.partition("; or serve it as it is, in a process of its own")[0]


def _brought(made: Made, given: Table, folder: Path) -> BundleHandle:
    if made.path is None:
        return _packaged(made, given, folder)
    sample = {"sample": given.together, "target": str(given.answers.name)} if made.sample else {}
    return golive.import_model(made.path, name="model", home=str(folder / "home"), trust=made.trust, **sample)


def _packaged(made: Made, given: Table, folder: Path, *, isolated: bool = False) -> BundleHandle:
    return golive.package(
        made.model,
        sample=given.rows,
        target=given.answers if made.answers is None else made.answers,
        name="model",
        home=str(folder / "home"),
        isolated=isolated,
    )


def _judged(handle: BundleHandle, made: Made, given: Table, told: dict[str, Any], budget_s: float) -> Found:
    """Read the proof, compare decisions once more from outside, and measure."""
    rooms = open_rooms(settings=Settings(home=Path(str(_home_of(handle)))))
    [proof] = [one for one in rooms.bundles.evidence(handle.bundle.digest) if one.kind == "parity"]
    measures = {measure.name: measure.value for measure in proof.measures}
    if handle.bundle.signature.task == "tensors":
        return Found(**told, outcome="tensors")
    tolerance = float(proof.details["tolerance"])
    outcome: Outcome = "isolated" if handle.bundle.manifest.runtime == "isolated" else "converted"
    own, mine = made.predict(given.rows), handle.predict(given.rows)
    return Found(
        **told,
        outcome=outcome,
        rows=proof.rows,
        difference=float(f"{measures['parity.difference']:.2g}"),
        tolerance=tolerance,
        flipped=int(measures["parity.flipped"]),
        ties=int(measures.get("parity.ties", 0)),
        decisions=len(mine),
        differing=_differing(np.asarray(own), mine, handle, tolerance),
        **(_speeds(handle, made, given.rows, budget_s) if budget_s else {}),
    )


def _home_of(handle: BundleHandle) -> Path:
    return handle._rooms.home.folder  # noqa: SLF001 - a handle does not tell where it lives


def _differing(own: Any, mine: Any, handle: BundleHandle, tolerance: float) -> int:
    """Count the rows whose answer is another one than the library's own ``predict`` gives."""
    if handle.bundle.signature.classes:
        return int((np.asarray(own).astype(str) != mine.astype(str)).sum())
    numbers = np.asarray(own, np.float64).reshape(len(mine))
    apart = np.abs(numbers - mine) / np.maximum(1.0, np.abs(numbers))
    return int((apart > max(tolerance, 1e-9)).sum())


def _speeds(handle: BundleHandle, made: Made, rows: pd.DataFrame, budget_s: float) -> dict[str, Speed]:
    """Time one row and a thousand: the library on a data frame, golive on values as they come out of a request.

    Processor time of this process, which is what passes on a machine with nothing else to do; where a model runs in
    another process, the time that passes.
    """
    clock = time.perf_counter if handle.bundle.manifest.runtime == "isolated" else time.process_time
    one = rows.iloc[:1].reset_index(drop=True)
    many = rows.iloc[np.arange(MANY) % len(rows)].reset_index(drop=True)
    road = handle.road
    values = [None if pd.isna(value) else value for value in _values(one, road.signature.names)]
    columns = {str(name): many[name].to_numpy() for name in many.columns}
    return {
        "one": Speed(
            own=_median_us(lambda: made.predict(one), budget_s, clock),
            served=_median_us(lambda: road.labels(road.rows([values])), budget_s, clock),
        ),
        "many": Speed(
            own=_median_us(lambda: made.predict(many), budget_s, clock),
            served=_median_us(lambda: road.labels(road.columns(columns)), budget_s, clock),
        ),
    }


def _values(one: pd.DataFrame, names: tuple[str, ...]) -> list[Any]:
    named = {str(name): one[name].tolist()[0] for name in one.columns}
    return [named[name] for name in names]


def _median_us(work: Callable[[], object], budget_s: float, clock: Callable[[], float]) -> float:
    work()
    taken: list[float] = []
    until = time.perf_counter() + budget_s
    while len(taken) < 5 or (time.perf_counter() < until and len(taken) < 2000):
        began = clock()
        work()
        taken.append(clock() - began)
    return round(statistics.median(taken) * 1e6, 1)
