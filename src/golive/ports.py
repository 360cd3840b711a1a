"""Ports: the protocols a plug-in implements. Every adapter golive ships goes through these too.

A plug-in is one class in one file and one entry point; ``golive.testing`` checks it.

=================  ===========================  ====================================
entry-point group  port                         what it adds
=================  ===========================  ====================================
golive.tables      :class:`TableFormat`         a kind of table that is read and written
golive.formats     :class:`ModelFormat`         a kind of file that models are read from
golive.frameworks  :class:`Framework`           a library whose models can be packaged
golive.runtimes    :class:`Runtime`             an engine that runs a graph
golive.targets     :class:`Target`              a place that serves
golive.exports     :class:`Export`              a form to hand a bundle over in
golive.searches    :class:`Search`              a way to choose hyper-parameters
golive.optimizers  :class:`Optimizer`           a way to make a graph smaller or faster
golive.explainers  :class:`Explainer`           a kind of graph whose answers are explained exactly
=================  ===========================  ====================================
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.bundle import Bundle, Decision
from golive.domain.preparation import Preparation
from golive.domain.serving import Observed, Step
from golive.domain.signature import Field, Signature, Task, Tensor
from golive.domain.trial import Trial

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Column = npt.NDArray[Any]
"""One column of a table; where not said otherwise in the canonical form: float64, or object of str and None."""
Arrays = Mapping[str, npt.NDArray[Any]]
"""Tensors by name."""
OpenAxes = Mapping[str, tuple[int, ...]]
"""Tensor -> its axes whose length is only known of a request."""


class Slice(msgspec.Struct, frozen=True):
    """Rows of a table that stand together and can be read by themselves; only their format reads the bounds."""

    bounds: tuple[int | float | str | None, ...] = ()


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a slice, as a model and an output file take them."""

    inputs: Mapping[str, Any]
    """Input column -> ``pyarrow.Array`` or object array, one value a row; inputs that the table lacks are left out."""
    kept: Any
    """The columns that pass through, as ``pyarrow.RecordBatch``."""
    seen: int
    """Rows of the table that these are, the refused among them."""
    positions: tuple[int, ...] = ()
    """Where each row stands among the seen; empty: one after the other, none refused."""
    refused: tuple[tuple[int, str], ...] = ()
    """Where among the seen a row stands that cannot be read, and why."""


class Body(msgspec.Struct, frozen=True):
    """What a part adds to the file that it is put into."""

    start: int
    """The first byte of the part that is taken."""
    stop: int
    note: str = ""
    """What the end of the whole file needs to know of it."""


class TableWriter(Protocol):
    """Writes a part of a table, a file of its own until it is joined."""

    def write(self, batch: Any) -> None:
        """Append a ``pyarrow.RecordBatch``."""
        ...

    def close(self) -> None:
        """Write what is still held back."""
        ...


class TableFormat(Protocol):
    """Reads one kind of table. Pieces are ``pyarrow.RecordBatch``."""

    suffixes: tuple[str, ...]
    """File endings it reads, such as ``(".csv", ".tsv")``."""

    def read(self, path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the table in pieces with one schema.

        Raises:
            DataError: the file cannot be read as this kind of table; the message says what stands in the way.
        """
        ...


@runtime_checkable
class SlicedTable(TableFormat, Protocol):
    """Reads and writes one kind of table of any size: what ``golive predict`` needs besides.

    It is read in slices, by several processes, and written in parts, which are joined byte by byte: the head, the
    bodies of the parts in order, the tail. A place is a path or a URL.
    """

    writes: tuple[str, ...]
    """File endings it writes."""
    has_types: bool
    """Whether a file says of each column what it holds; else that is found from the values."""

    def names(self, place: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Give the names of the columns.

        Raises:
            DataError: the table cannot be read, or has no rows.
        """
        ...

    def schema(self, place: str, options: Mapping[str, Any], names: Sequence[str]) -> Any:
        """Give a ``pyarrow.Schema`` of these columns that holds for the whole table; may have to read all of it."""
        ...

    def slices(self, place: str, options: Mapping[str, Any], *, rows: int) -> Iterator[Slice]:
        """Cut the table into slices of about that many rows, in order, each time the same."""
        ...

    def read_slice(
        self, place: str, part: Slice, options: Mapping[str, Any], *, fields: Sequence[Field], kept: Any
    ) -> Iterator[Rows]:
        """Read the rows of one slice: the columns of ``fields``, and those of the ``pyarrow.Schema`` ``kept``."""
        ...

    def state(self, place: str, options: Mapping[str, Any]) -> str:
        """Tell one state of a table from another, as its size and time of change do; empty: there is none."""
        ...

    def writer(self, path: Path, schema: Any) -> TableWriter:
        """Begin a part."""
        ...

    def head(self, schema: Any) -> bytes:
        """Give the first bytes of a whole file."""
        ...

    def body(self, path: Path, offset: int) -> Body:
        """Say what of a finished part is put at that offset of the whole file."""
        ...

    def tail(self, schema: Any, notes: Sequence[str]) -> bytes:
        """Give the last bytes of a whole file, from the notes of its parts."""
        ...

    def deliver(self, whole: Path, place: str, options: Mapping[str, Any]) -> None:
        """Make a joined file appear at a place in one step, instead of what was there; the file is used up.

        Raises:
            UnavailableError: the place does not take it; what was there is unchanged.
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


class CodeFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that only a process of its own may load; what :class:`ModelFormat` gives for one, unloaded."""

    path: Path
    handler: str
    """``module:function`` of the sandbox's handler that loads it."""
    loads: tuple[str, ...]
    """The classes and functions that loading it would call, by full name, where they are not known to be harmless."""
    runs_code: bool = True
    """Whether a person must trust the file: loading it may call whatever its author chose."""
    saved_by: dict[str, str] = {}
    """Library -> version that wrote the file, where it says so."""


class ModelFormat(Protocol):
    """Reads one kind of model file, and runs no code of it."""

    name: str

    def recognizes(self, path: Path) -> bool:
        """Say whether a file or folder is of this kind, by its name and its first bytes."""
        ...

    def read(self, path: Path) -> Any:
        """Give the model as an object that a framework plug-in knows, or a :class:`CodeFile`.

        Raises:
            DataError: the file is damaged, hostile or of a version that cannot be read; the message says what to do.
        """
        ...


@runtime_checkable
class NetworkFormat(ModelFormat, Protocol):
    """Also reads a network that says nothing of itself, for somebody who has arrays to ask it with."""

    def network(self, path: Path) -> Any:
        """Give the file, looked through, as ``golive.packaging.network_file.NetworkFile``; no declaration is read.

        Raises:
            DataError: the file is damaged or hostile; the message says what to do.
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


class TensorWriter(Protocol):
    """Writes networks with the tensors that they read and give, such as images, tokens and states."""

    name: str

    def tensors(self, model: Any, example: Arrays, *, open_axes: OpenAxes, outputs: Sequence[str]) -> bytes:
        """Write a network as ONNX.

        Args:
            model: A network of its library.
            example: An array for each input; no open axis is 0 or 1 long.
            open_axes: Axes whose length is only known of a request.
            outputs: Names for what it gives; empty: its own.

        Raises:
            NotConvertibleError: it cannot be written, or not with these axes open; the message says why.
        """
        ...

    def ask_tensors(self, model: Any, feeds: Arrays, *, outputs: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """Ask the original in inference mode: an array for each input in, one for each output out, by name.

        Raises:
            NotConvertibleError: what it gives are no tensors that can be served.
            ValueError: it cannot answer these values or shapes.
        """
        ...


@runtime_checkable
class TensorFramework(Framework, TensorWriter, Protocol):
    """Also writes networks with the tensors that they read and give."""


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

        Raises:
            RequestError: these values or shapes do not go through this graph.
            UnavailableError: there is not enough memory for them.
        """
        ...


class Runtime(Protocol):
    """Opens graphs."""

    name: str

    def sharing(self, folder: Path) -> "Runtime":
        """Give a runtime that keeps in a folder what processes can share of big graphs; itself where nothing can."""
        ...

    def open(self, graph: bytes, *, threads: int) -> Session:
        """Open a graph, using that many threads inside one call.

        Raises:
            VerificationError: the bytes are not a graph that this runtime can run.
        """
        ...

    def open_tensors(self, graph: bytes, *, threads: int) -> TensorSession:
        """Open a graph with the inputs and outputs that it has, for a signature of tensors.

        Raises:
            VerificationError: the bytes are not a graph that this runtime can run, or an input or output is no tensor
                of a type that numpy has; a runtime without this form says so.
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


class Subject(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A bundle that is to become smaller or faster, and rows that may be used for it: never those it is judged by.

    Rows stand in the same order everywhere.
    """

    graph: bytes
    """As in :class:`Converted`."""
    preparation: Preparation
    """Says what the columns of ``N`` and ``C`` are."""
    task: Task
    numbers: Float64
    """``N`` of the rows."""
    codes: Int64
    """``C`` of the rows."""
    answers: Float64
    """What the bundle answers to them: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities."""
    seed: int


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A graph that may take the place of a bundle's: maybe smaller, maybe faster, maybe not as good."""

    name: str
    """In a few words, for the table."""
    graph: bytes
    runtime: str = ""
    """The runtime plug-in that opens it; empty: the bundle's own."""
    preparation: Preparation | None = None
    """What it reads, without the declared steps; None: what the bundle's graph reads."""


class Optimizer(Protocol):
    """Makes candidates that may be smaller or faster than a bundle; whether they are good enough, others decide."""

    name: str
    effort_s: float
    """About how long it takes to make its candidates; the quick ones are asked first."""

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give candidates, the most promising first; none where there is nothing to do for this graph.

        The same subject gives the same candidates. A caller may stop asking at any time.

        Raises:
            GoliveError: the graph is one that should have worked; the message says what stood in the way.
        """
        ...


class Explainer(Protocol):
    """Finds in a graph what it takes to explain its answers exactly and fast, when it is packaged."""

    name: str

    def prepare(self, subject: Subject, names: Sequence[str]) -> bytes | None:
        """Give the content of the bundle's ``explainer.bin``, or None where the graph is of another kind.

        ``names`` are the signature's inputs, in order. The file is in the form of
        ``golive.inference.explaining.container``; the subject's rows need no more than a few hundred.
        """
        ...
