"""Program: what runs in the other process, under another environment: a model file in, answers out.

``python -I program.py SOCKET MODEL MEMORY`` (numbers of inherited files). golive is not installed there, so this file
imports the standard library, numpy, joblib, and pandas for models that saw a data frame. It also defines the messages,
for both sides.

A message is a header of fixed length and a text. Rows do not travel in it: they lie in shared memory, numbers first
(float64, row by row), then codes (int64), then room for the answers (float64). Nothing that arrives is code.
"""

import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from mmap import mmap
from typing import Any, NamedTuple

MAGIC = b"GLIV"
VERSION = 1
START, READY, ASK, ANSWER, REFUSED, WRONG, FULL, LOOK, FOUND = range(1, 10)
"""Kinds of messages: to the child START, ASK and LOOK; from it READY (or REFUSED), ANSWER, FOUND; REFUSED when the
model raises, WRONG when what it gives is no answer, FULL when its memory does not suffice."""

HEADER = struct.Struct("<4sHHQQQQQQ")
MOST_TEXT = 1 << 20
"""The longest text that the parent takes from a child, in bytes."""
MOST_START = 1 << 28
"""The longest text that a child takes from its parent, in bytes."""
UNSEEN = "(a value that training did not have)"
"""What the model reads in place of any text that it did not see in training."""

CHOSEN = "chosen"
"""Instead of a method of the model: the class that it predicts, as probabilities of 1 and 0."""

_LONGEST_REASON = 500
_BYTES = 8
_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_NO_NEW_PRIVILEGES = 38
_INTERRUPTED_S = 1.0
_MATRIX = 2


class Header(NamedTuple):
    """What stands before the text of a message."""

    kind: int
    sequence: int = 0
    """Which question an answer belongs to."""
    rows: int = 0
    numbers: int = 0
    codes: int = 0
    outputs: int = 0
    text: int = 0
    """Bytes of the text that follows."""

    def packed(self) -> bytes:
        """Give the header as bytes."""
        kind, *rest = self
        return HEADER.pack(MAGIC, VERSION, kind, *rest)

    @property
    def size_bytes(self) -> int:
        """The shared memory that the rows and their answers take."""
        return _BYTES * self.rows * (self.numbers + self.codes + self.outputs)


def unpacked(content: bytes) -> Header:
    """Read a header.

    Raises:
        ValueError: these bytes are none.
    """
    magic, version, *rest = HEADER.unpack(content)
    if magic != MAGIC or version != VERSION:
        message = f"{content[:8].hex()} does not begin a message"
        raise ValueError(message)
    return Header(*rest)


class Rows:
    """Builds what the model saw in training out of numbers and texts.

    Args:
        seen: ``container`` ("frame" or "array"), ``dtype`` (of an array) and ``columns``, see
            ``golive.packaging.isolated``.
    """

    def __init__(self, seen: Mapping[str, Any]) -> None:
        self._numpy = import_module("numpy")
        self._is_array = seen["container"] == "array"
        self._dtype = seen["dtype"]
        self._pandas = None if self._is_array else import_module("pandas")
        self._columns = list(seen["columns"])
        self._missing = [self._marker(column["missing"]) for column in self._columns]
        self._tables = [
            [*column["values"], UNSEEN, missing]
            for column, missing in zip(self._columns, self._missing, strict=True)
            if column["kind"] == "text"
        ]

    def texts(self, codes: Any) -> list[Any]:
        """Turn codes into columns of texts: known values, one text for all others, and "missing"."""
        columns = []
        for position, table in enumerate(self._tables):
            column = self._numpy.empty(len(codes), dtype=object)
            column[:] = [table[code] for code in codes[:, position].tolist()]
            columns.append(column)
        return columns

    def parts(self, numbers: Any, texts: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield which rows go together, and them in the form of training.

        A whole-number column stays one where its values are whole. Rows with another value in such a column are
        asked apart from the rest, so that no row decides the type in which another is read.
        """
        misfits = self._misfits(numbers)
        if not misfits.any():
            yield slice(None), self.built(numbers, texts)
            return
        kinds, which = self._numpy.unique(misfits, axis=0, return_inverse=True)
        for kind in range(len(kinds)):
            chosen = self._numpy.flatnonzero(which.reshape(-1) == kind)
            yield chosen, self.built(numbers[chosen], [text[chosen] for text in texts], kinds[kind])

    def built(self, numbers: Any, texts: list[Any], misfits: Any = None) -> Any:
        """Build one table. ``misfits`` says which number columns hold values that their type does not have."""
        if self._is_array:
            return numbers.astype(self._dtype if misfits is None or not misfits.any() else "float64")
        frame, number, text = {}, 0, 0
        for column, missing in zip(self._columns, self._missing, strict=True):
            if column["kind"] == "text":
                frame[column["name"]] = self._text(column, texts[text], missing)
                text += 1
            else:
                fits = misfits is None or not misfits[number]
                frame[column["name"]] = self._number(column, numbers[:, number], fits=fits)
                number += 1
        return self._pandas.DataFrame(frame)  # type: ignore[union-attr]

    def _marker(self, missing: str) -> Any:
        if missing == "na":
            return self._pandas.NA  # type: ignore[union-attr]
        return float("nan") if missing == "nan" else None

    def _number(self, column: Mapping[str, Any], values: Any, *, fits: bool) -> Any:
        series = self._pandas.Series(values.copy())  # type: ignore[union-attr]
        if column["dtype"] == "category":
            return series.astype(self._categories(column))
        return series.astype(column["dtype"]) if fits else series

    def _text(self, column: Mapping[str, Any], values: Any, missing: Any) -> Any:
        filled = self._numpy.empty(len(values), dtype=object)
        filled[:] = [missing if value is None else value for value in values.tolist()]
        if column["dtype"] == "category":
            # A column of categories has no other values: those become missing.
            known = set(column["categories"])
            filled[:] = [value if value in known else None for value in values.tolist()]
            return self._pandas.Series(filled, dtype=object).astype(self._categories(column))  # type: ignore[union-attr]
        return self._pandas.Series(filled, dtype=column["dtype"])  # type: ignore[union-attr]

    def _categories(self, column: Mapping[str, Any]) -> Any:
        library = self._pandas
        listed = library.Index(column["categories"], dtype=column["category_dtype"])  # type: ignore[union-attr]
        return library.CategoricalDtype(listed, ordered=column["ordered"])  # type: ignore[union-attr]

    def _misfits(self, numbers: Any) -> Any:
        dtypes = (
            [self._dtype] * numbers.shape[1]
            if self._is_array
            else [column["dtype"] for column in self._columns if column["kind"] == "number"]
        )
        found = self._numpy.zeros(numbers.shape, dtype=bool)
        for position, dtype in enumerate(dtypes):
            found[:, position] = self._misfit(dtype, numbers[:, position])
        return found

    def _misfit(self, dtype: str, values: Any) -> Any:
        numpy = self._numpy
        lower = dtype.lower()
        missing = numpy.isnan(values)
        if lower == "bool" or lower == "boolean":  # noqa: PLR1714 - two spellings, of numpy and of pandas
            bad = ~((values == 0) | (values == 1))
        elif lower.lstrip("u").startswith("int"):
            limits = numpy.iinfo(lower)
            # A float64 beside the last int64 rounds up to 2**63, which is none.
            fits = (values >= limits.min) & (values < float(limits.max) + (limits.max < 1 << 53))
            bad = ~(fits & (numpy.floor(values) == values))
        else:
            return numpy.zeros(len(values), dtype=bool)
        # pandas' own whole-number types have a "missing", and are written with a capital.
        return bad & ~missing if dtype != lower or dtype == "boolean" else bad


class WrongAnswerError(Exception):
    """What the model gave is no answer."""


def answers(model: Any, method: str, outputs: int, table: Any) -> Any:
    """Ask a model for a table: float64 ``[n, outputs]``.

    Raises:
        WrongAnswerError: what it gives has another shape, or is not of numbers.
    """
    numpy = import_module("numpy")
    # What holds the object elsewhere has a method of this name, and no classes.
    given = chosen(model, table) if method == CHOSEN and not hasattr(model, CHOSEN) else getattr(model, method)(table)
    if hasattr(given, "toarray"):
        given = given.toarray()
    array = numpy.asarray(given)
    rows = len(table)
    if array.dtype.kind not in "fiub":
        message = f"{method} gave {array.dtype}, and numbers are needed"
        raise WrongAnswerError(message)
    if array.ndim == 1 and outputs == 1:
        array = array.reshape(-1, 1)
    if array.ndim != _MATRIX or array.shape != (rows, outputs):
        message = f"{method} gave the shape {list(array.shape)} for {rows} rows, and [{rows}, {outputs}] is needed"
        raise WrongAnswerError(message)
    return array.astype(numpy.float64)


def chosen(model: Any, table: Any) -> Any:
    """Ask a classifier without probabilities: float64 ``[n, classes]``, 1 for the class that it chooses.

    Raises:
        WrongAnswerError: it chooses none of its classes.
    """
    numpy = import_module("numpy")
    labels = numpy.asarray(model.predict(table)).reshape(-1, 1)
    marks = labels == numpy.asarray(model.classes_).reshape(1, -1)
    if not (marks.sum(axis=1) == 1).all():
        message = "predict gave labels that are not among classes_"
        raise WrongAnswerError(message)
    return marks.astype(numpy.float64)


def asked(model: Any, method: str, outputs: int, rows: Rows, numbers: Any, texts: list[Any]) -> Any:
    """Ask a model for rows in the form it saw in training: float64 ``[n, outputs]``."""
    numpy = import_module("numpy")
    found = numpy.empty((len(numbers), outputs))
    for chosen, table in rows.parts(numbers, texts):
        found[chosen] = answers(model, method, outputs, table)
    return found


def receive(connection: socket.socket, most: int) -> tuple[Header, str] | None:
    """Read the next message, or None where the other side has gone.

    Raises:
        ValueError: it is none, or its text is too long.
    """
    content = _exactly(connection, HEADER.size)
    if content is None:
        return None
    header = unpacked(content)
    if header.text > most:
        message = f"a text of {header.text} bytes was announced, and {most} are the most"
        raise ValueError(message)
    text = _exactly(connection, header.text)
    return None if text is None else (header, text.decode("utf-8", "replace"))


def main(arguments: list[str]) -> int:
    """Serve one model until the other side goes."""
    end, model_file, memory_file = (int(number) for number in arguments)
    before = set(sys.modules)
    for number in (end, model_file, memory_file):
        os.set_inheritable(number, False)
    connection = socket.socket(fileno=end)
    first = receive(connection, MOST_START)
    if first is None or first[0].kind != START:
        return 1
    told = json.loads(first[1])
    limits = told["limits"]
    _confine(limits)
    threading.Thread(target=_watch, args=(end,), daemon=True).start()
    try:
        model = _load(model_file)
        rows = Rows(told["seen"])
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent says it to a person
        _say(connection, REFUSED, 0, _reason(error))
        return 1
    _say(connection, READY, 0, "")
    child = _Child(connection, memory_file, model, rows, told)
    while (message := receive(connection, 0)) is not None:
        header = message[0]
        if header.kind == LOOK:
            _say(connection, FOUND, header.sequence, json.dumps(_modules(before, model)))
        else:
            child.answer(header)
    return 0


class _Child:
    """Answers questions about one model."""

    def __init__(
        self, connection: socket.socket, memory_file: int, model: Any, rows: Rows, told: Mapping[str, Any]
    ) -> None:
        self._numpy = import_module("numpy")
        self._connection = connection
        self._memory_file = memory_file
        self._memory: mmap | None = None
        self._model = model
        self._rows = rows
        self._method = told["method"]
        self._widths = (told["numbers"], told["codes"], told["outputs"])
        self._alarm_s = float(told["limits"]["call_s"]) + _INTERRUPTED_S

    def answer(self, header: Header) -> None:
        """Answer one question, or say why not. Whoever asks a thing that cannot be is left alone."""
        if header.kind != ASK or (header.numbers, header.codes, header.outputs) != self._widths or not header.rows:
            message = f"the question {header} is not one about this model"
            raise ValueError(message)
        numbers, codes, room = self._views(header)
        # Should the parent be gone too, nobody else would end a run that never ends.
        signal.setitimer(signal.ITIMER_REAL, self._alarm_s)
        try:
            room[:] = asked(
                self._model, self._method, header.outputs, self._rows, numbers.copy(), self._rows.texts(codes)
            )
        except MemoryError as error:
            kind, text = FULL, _reason(error)
        except WrongAnswerError as error:
            kind, text = WRONG, str(error)
        except Exception as error:  # noqa: BLE001 - the model's own errors belong to this question alone
            kind, text = REFUSED, _reason(error)
        else:
            kind, text = ANSWER, ""
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        _say(self._connection, kind, header.sequence, text, rows=header.rows, outputs=header.outputs)

    def _views(self, header: Header) -> tuple[Any, Any, Any]:
        size = os.fstat(self._memory_file).st_size
        if header.size_bytes > size:
            message = f"{header.size_bytes} bytes of rows were announced, and the shared memory has {size}"
            raise ValueError(message)
        if self._memory is None or len(self._memory) < size:
            self._memory = mmap(self._memory_file, size)
        return views(self._memory, header)


def views(memory: mmap, header: Header) -> tuple[Any, Any, Any]:
    """Give the numbers ``[n, numbers]``, the codes ``[n, codes]`` and the answers ``[n, outputs]`` in shared memory."""
    numpy = import_module("numpy")
    found, start = [], 0
    for width, dtype in ((header.numbers, "<f8"), (header.codes, "<i8"), (header.outputs, "<f8")):
        count = header.rows * width
        found.append(numpy.frombuffer(memory, dtype, count, start).reshape(header.rows, width))
        start += count * _BYTES
    return found[0], found[1], found[2]


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    content = bytearray()
    while len(content) < count:
        piece = connection.recv(min(count - len(content), 1 << 20))
        if not piece:
            return None
        content += piece
    return bytes(content)


def _say(connection: socket.socket, kind: int, sequence: int, text: str, *, rows: int = 0, outputs: int = 0) -> None:
    content = text.encode()[:MOST_TEXT]
    connection.sendall(Header(kind, sequence, rows=rows, outputs=outputs, text=len(content)).packed() + content)


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:_LONGEST_REASON].removesuffix(": ")


def _load(model_file: int) -> Any:
    # By name, because nothing else in golive may import joblib outside of training.
    joblib = import_module("joblib")
    with os.fdopen(os.dup(model_file), "rb") as file:
        file.seek(0)
        return joblib.load(file)


def _modules(before: set[str], model: Any) -> dict[str, Any]:
    """Name the modules that the model brought in, as far as they come from a file."""
    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    modules = sorted(loaded - set(sys.stdlib_module_names))
    return {"modules": modules, "model": type(model).__module__, **looked_at(model)}


def looked_at(model: Any) -> dict[str, Any]:
    """Say what an object is: its class, what it can be asked, and the classes that it tells apart (None: it has none).

    ``dtype`` is numpy's kind of these, and empty where they are not one list.
    """
    classes = getattr(model, "classes_", None)
    listed = None if classes is None or isinstance(classes, list) else import_module("numpy").asarray(classes)
    plain = listed is not None and listed.ndim == 1
    return {
        "kind": f"{type(model).__module__}.{type(model).__qualname__}",
        "methods": [name for name in ("predict", "predict_proba") if hasattr(model, name)],
        "classes": None if classes is None else [str(label) for label in listed.tolist()] if plain else [],  # type: ignore[union-attr]
        "dtype": listed.dtype.kind if plain else "",  # type: ignore[union-attr]
    }


def _confine(limits: Mapping[str, Any]) -> None:
    for what, amount in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, int(limits["file_mb"]) << 20),
        (resource.RLIMIT_AS, int(limits["memory_mb"]) << 20),
    ):
        with suppress(OSError, ValueError):  # macOS has no limit on the address space
            resource.setrlimit(what, (amount, amount))
    with suppress(OSError, AttributeError):
        _renounce(network=bool(limits["network"]))


def _renounce(*, network: bool) -> None:
    """Give up, on Linux, ever having more rights, and the network where the system allows that."""
    import ctypes  # noqa: PLC0415 - not every Python is built with it

    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    user, group = os.getuid(), os.getgid()
    if not network and libc.unshare(_NEWUSER | _NEWNET) == 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - a kernel's file
                file.write(text)


def _watch(end: int) -> None:
    """End this process, and those it started, as soon as the other side is gone."""
    poller = select.poll()
    poller.register(end, 0)
    poller.poll()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
