"""Ports: the protocols a plug-in implements. Every adapter golive ships goes through these too.

A plug-in is one class in one file and one entry point; ``golive.testing`` checks it.

=================  ===========================  ====================================
entry-point group  port                         what it adds
=================  ===========================  ====================================
golive.tables      :class:`TableFormat`         a kind of file that data is read from
golive.formats     :class:`ModelFormat`         a kind of file that models are read from
golive.frameworks  :class:`Framework`           a library whose models can be packaged
golive.runtimes    :class:`Runtime`             an engine that runs a graph
golive.targets     :class:`Target`              a place that serves
golive.exports     :class:`Export`              a form to hand a bundle over in
golive.searches    :class:`Search`              a way to choose hyper-parameters
=================  ===========================  ====================================
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.bundle import Bundle, Decision
from golive.domain.preparation import Preparation
from golive.domain.serving import Observed, Step
from golive.domain.signature import Signature, Tensor
from golive.domain.trial import Trial

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Column = npt.NDArray[Any]
"""One column of a table; where not said otherwise in the canonical form: float64, or object of str and None."""


class TableFormat(Protocol):
    """Reads and appends one kind of table. Pieces are ``pyarrow.RecordBatch``."""

    suffixes: tuple[str, ...]
    """File endings it reads, such as ``(".csv", ".tsv")``."""

    def read(self, path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the table in pieces with one schema.

        Raises:
            DataError: the file cannot be read as this kind of table; the message says what stands in the way.
        """
        ...


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted model as files: the graph, and what a caller's row must become to enter it."""

    graph: bytes
    """ONNX with inputs ``N`` (float64) and/or ``C`` (int64) and output ``P`` (float64 ``[rows, outputs]``)."""
    preparation: Preparation
    signature: Signature
    decision: Decision = Decision()
    thresholds: dict[str, tuple[float, ...]] = {}
    """Input column -> values where the model's answer can jump; the parity proof tries rows at and beside them."""
    notes: tuple[str, ...] = ()
    tolerance: float = 0.0
    """The least tolerance of the parity proof that this conversion needs; 0 where it is exact to double precision."""


class ModelFormat(Protocol):
    """Reads one kind of model file, and runs no code of it."""

    name: str

    def recognizes(self, path: Path) -> bool:
        """Say whether a file or folder is of this kind, by its name and its first bytes."""
        ...

    def read(self, path: Path) -> Any:
        """Give the model as an object that a framework plug-in knows.

        Raises:
            DataError: the file is damaged, hostile or of a version that cannot be read; the message says what to do.
        """
        ...


class Framework(Protocol):
    """Turns one library's fitted models into a graph with exactly the same answers."""

    name: str

    def recognizes(self, model: object) -> bool:
        """Say whether this object is one of this library's models."""
        ...

    def convert(self, model: Any, sample: Any, *, target: str) -> Converted:
        """Convert a fitted model. ``sample`` is a pandas DataFrame of rows as the model saw them in training.

        Raises:
            NotConvertibleError: a part has no exact form; the message names the part.
        """
        ...

    def predict(self, model: Any, rows: Any) -> Float64:
        """Ask the original: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities."""
        ...


class Session(Protocol):
    """An opened graph. Safe to call from one thread at a time."""

    def run(self, numbers: Float64, codes: Int64) -> Float64:
        """Predict: float64 ``[n, numbers]`` and int64 ``[n, categories]`` in, float64 ``[n, outputs]`` out."""
        ...


class TensorSession(Protocol):
    """An opened graph of tensors. Safe to call from one thread at a time."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Run the graph: an array for each input, of its dtype and rank, in; one for each output out.

        Texts are arrays of str objects.
        """
        ...


class Runtime(Protocol):
    """Opens graphs."""

    name: str

    def open(self, graph: bytes, *, threads: int) -> Session:
        """Open a graph, using that many threads inside one call.

        Raises:
            VerificationError: the bytes are not a graph that this runtime can run.
        """
        ...


class Target(Protocol):
    """A place that serves: it can be observed and driven."""

    name: str

    def observe(self) -> Observed:
        """Say what runs now."""
        ...

    def apply(self, step: Step) -> None:
        """Carry out one step and return when it holds. Doing a step twice changes nothing more.

        Raises:
            UnavailableError: the step did not take effect; what served before still serves.
        """
        ...


class Export(Protocol):
    """Writes a bundle in a form that runs without this golive installation."""

    name: str

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write into an empty folder and give the written paths. ``files`` are the bundle's, by path."""
        ...


class Search(Protocol):
    """Chooses which settings to try."""

    name: str

    def run(
        self,
        space: Mapping[str, Sequence[Any]],
        *,
        trials: int,
        seed: int,
        attempt: Callable[[Sequence[dict[str, Any]]], Sequence[Trial]],
    ) -> tuple[Trial, ...]:
        """Try settings from ``space`` (parameter -> choices) and give every trial.

        ``attempt`` evaluates several settings at once, on all cores; a sequential search may pass one at a time.
        """
        ...
