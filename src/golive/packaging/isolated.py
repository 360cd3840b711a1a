"""Isolated: a fitted object without an exact graph, and what is needed to run it elsewhere, as one archive.

The archive is a zip of ``isolated.json`` (:class:`Isolated`), ``requirements.txt`` (the same list for people) and
``model.joblib``, the fitted object. **It holds code**: who loads that file runs it.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Literal

import msgspec

from golive.domain.digest import Digest, digest_of
from golive.errors import VerificationError

ARCHIVE = "model.golive.zip"
"""The file of a bundle that holds the archive."""
SLICE = 256
"""The most rows that the process is asked about at once."""

Method = Literal["predict", "predict_proba", "chosen"]
"""How the object is asked; ``chosen`` is ``predict`` of a classifier without probabilities: 1 for its label, else 0."""

_TOLD, _LISTED, _MODEL = "isolated.json", "requirements.txt", "model.joblib"
_MOST_TOLD = 1 << 28
_TIME = (1980, 1, 1, 0, 0, 0)
_FORMAT = 1


class SeenColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One column of the table that the model saw in training."""

    name: str
    kind: Literal["number", "text"]
    dtype: str
    """As pandas (or numpy, of an array) calls it."""
    values: tuple[str, ...] = ()
    """Of a text column, the known values in the order of their codes; then come "unseen" and "missing"."""
    missing: Literal["none", "nan", "na"] = "nan"
    """What stood for "missing"."""
    categories: tuple[str | float | int | bool, ...] = ()
    """Of a column of pandas categories, those, in order."""
    category_dtype: str = ""
    ordered: bool = False


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The form of the table that the model saw in training."""

    container: Literal["frame", "array"]
    dtype: str = ""
    """Of an array."""
    columns: tuple[SeenColumn, ...]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the process of a model may take."""

    call_s: float = 3.0
    """For one call of up to 256 rows. Workers are asked every few seconds whether they live, so more is a risk."""
    load_s: float = 60.0
    """To load the model."""
    memory_mb: int = 8192
    """Address space, which is more than memory: the libraries alone take one to two thousand."""
    file_mb: int = 64
    """The largest file that it may write."""
    network: bool = False
    """Whether it may use the network, where the system can keep it from that."""


class Isolated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an archive says of its model."""

    format: int = 1
    holds: Literal["code"] = "code"
    python: str
    """The version of Python, such as ``3.11``."""
    requirements: tuple[str, ...]
    """Exact versions of all that the model needs, ``name==version``."""
    seen: Seen
    method: Method
    outputs: int
    """Columns of an answer: one value, or one probability a class."""
    limits: Limits = Limits()
    model: Digest
    """Of the file with the fitted object."""

    @property
    def numbers(self) -> int:
        """How many numbers a row has."""
        return sum(column.kind == "number" for column in self.seen.columns)

    @property
    def codes(self) -> int:
        """How many codes a row has."""
        return sum(column.kind == "text" for column in self.seen.columns)


def archive(
    model: bytes,
    seen: Seen,
    *,
    python: str,
    requirements: Sequence[str],
    method: Method,
    outputs: int,
    limits: Limits,
) -> bytes:
    """Write an archive; the same content gives the same bytes."""
    told = Isolated(
        python=python,
        requirements=tuple(sorted(requirements)),
        seen=seen,
        method=method,
        outputs=outputs,
        limits=limits,
        model=digest_of(model),
    )
    listed = "".join(f"{requirement}\n" for requirement in told.requirements).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as file:
        for name, content in ((_TOLD, msgspec.json.encode(told, order="sorted")), (_LISTED, listed), (_MODEL, model)):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o600 << 16
            entry.create_system = 3
            file.writestr(entry, content)
    return written.getvalue()


def opened(content: bytes) -> tuple[Isolated, memoryview]:
    """Read an archive without loading its model: what it says, and the bytes of the model.

    Raises:
        VerificationError: the bytes are no such archive, or were damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            _check(file, len(content))
            told = msgspec.json.decode(file.read(_TOLD), type=Isolated)
            model = file.read(_MODEL)
    except (zipfile.BadZipFile, KeyError, msgspec.DecodeError, NotImplementedError, RuntimeError, EOFError) as error:
        message = f"the {len(content)} bytes are not an archive of an isolated model ({error}); package the model again"
        raise VerificationError(message) from error
    if told.format > _FORMAT:
        message = f"the archive has the format {told.format}, and this golive reads up to {_FORMAT}; upgrade golive"
        raise VerificationError(message)
    if digest_of(model) != told.model:
        message = "the model in the archive is not the one it was packaged with; package the model again"
        raise VerificationError(message)
    return told, memoryview(model)


def _check(file: zipfile.ZipFile, size: int) -> None:
    """Refuse what would grow when it is read: nothing in an archive is compressed."""
    for entry in file.infolist():
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > size:
            message = f"{entry.filename!r} is compressed"
            raise zipfile.BadZipFile(message)
    if file.getinfo(_TOLD).file_size > _MOST_TOLD:
        message = f"{_TOLD} is too long"
        raise zipfile.BadZipFile(message)
