"""Trusted: a file that runs code when it is loaded, loaded in a sandbox because a person said so.

What comes back is data of known shapes: the converted model, and arrays of answers. The object itself stays there.
"""

from typing import Any, Self, TypeVar

import msgspec
import numpy as np
import pyarrow as pa

from golive.control.sandbox.arrays import unpack
from golive.control.sandbox.orders import Loaded, Order
from golive.control.sandbox.process import Sandbox, SandboxError
from golive.errors import DataError
from golive.ports import CodeFile, Converted, Float64

_Shape = TypeVar("_Shape")
LOAD_S = 120.0
CONVERT_S = 600.0
PREDICT_S = 300.0


class Trusted:
    """A loaded file; end it with ``close`` or a ``with`` block."""

    def __init__(self, file: CodeFile) -> None:
        module, _, function = file.handler.partition(":")
        self._file = file
        self._sandbox = Sandbox(module, function)
        try:
            self.loaded = self._read(self._ask("load", str(file.path.resolve()).encode(), LOAD_S), Loaded)
        except BaseException:
            self._sandbox.close()
            raise

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know."""
        return (*self._sandbox.lacking, *self.loaded.warnings)

    def convert(self, frame: Any, target: str) -> Converted:
        """Convert the object with the framework plug-in that knows it.

        Raises:
            NotConvertibleError: none does, or a part has no exact form.
            DataError: the sandbox ended.
        """
        order = msgspec.msgpack.encode(Order(table=sent(frame), target=target))
        return self._read(self._ask("convert", order, CONVERT_S), Converted)

    def predict(self, frame: Any) -> Float64:
        """Ask the object: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities.

        Raises:
            ValueError: it cannot answer these rows.
            DataError: the sandbox ended.
        """
        try:
            answer = self._sandbox.ask("predict", msgspec.msgpack.encode(Order(table=sent(frame))), limit_s=PREDICT_S)
        except SandboxError as error:
            if error.kind == "ValueError":
                raise ValueError(str(error)) from error
            raise self._failed(error) from error
        found: Float64 = unpack(answer)["answers"]
        return found

    def ask(self, method: str, table: Any) -> Float64:
        """Ask the object itself by one of its methods, with a frame or an array of numbers, as it is given.

        Raises:
            ValueError: it cannot answer these rows.
            DataError: the sandbox ended.
        """
        is_array = isinstance(table, np.ndarray)
        missing = () if is_array else tuple(name for name in table.columns if _holds_nan(table[name].to_numpy()))
        order = msgspec.msgpack.encode(Order(table=sent(table), target=method, is_array=is_array, nan_texts=missing))
        try:
            answer = self._sandbox.ask("ask", order, limit_s=PREDICT_S)
        except SandboxError as error:
            if error.kind:
                raise ValueError(str(error)) from error
            raise self._failed(error) from error
        found: Float64 = unpack(answer)["answers"]
        return found

    def close(self) -> None:
        """End the sandbox."""
        self._sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, verb: str, content: bytes, limit_s: float) -> bytes:
        try:
            return self._sandbox.ask(verb, content, limit_s=limit_s)
        except SandboxError as error:
            raise self._failed(error) from error

    def _read(self, content: bytes, kind: type[_Shape]) -> _Shape:
        try:
            return msgspec.msgpack.decode(content, type=kind)
        except msgspec.DecodeError as error:
            message = f"{self._file.path}: the sandbox answered no {kind.__name__} ({error}); do not trust this file"
            raise DataError(message) from error

    def _failed(self, error: SandboxError) -> DataError:
        versions = ", ".join(f"{name} {version}" for name, version in self._file.saved_by.items())
        written = f"; it was written by {versions}, so try those versions" if versions else ""
        return DataError(f"{self._file.path} was loaded in a process of its own, which {error}{written}")


def _holds_nan(values: Any) -> bool:
    return values.dtype == object and any(isinstance(value, float) for value in values.tolist())


def sent(frame: Any) -> bytes:
    """Write a frame of bool, int64, float64 and object columns, or an array, in Arrow's stream form; NaN stays NaN."""
    if isinstance(frame, np.ndarray):
        return _stream({f"x{position}": pa.array(values) for position, values in enumerate(frame.T)})
    columns = {}
    for name in frame.columns:
        values = frame[name].to_numpy()
        is_text = values.dtype == object
        columns[name] = pa.array(values, pa.string(), from_pandas=True) if is_text else pa.array(values)
    return _stream(columns)


def _stream(columns: dict[str, Any]) -> bytes:
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
