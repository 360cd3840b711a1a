"""A network's file in the sandbox: it is loaded, asked and written there; only arrays and a graph come out.

Verbs: ``open`` (which file; what it reads out), ``ask`` (rows in, answers out), ``write`` (rows in, ONNX out),
``tensors`` (the graph of a network that brings an example of its own inputs), ``ask_tensors`` and ``write_tensors``
(arrays by name in, arrays by name or ONNX out).
"""

import math
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive import plugins
from golive.adapters.frameworks import keras, keras_tensors, torch, torch_tensors
from golive.adapters.frameworks.networks import SINGLE, Array, Ask
from golive.control.sandbox.arrays import pack, unpack
from golive.domain.network import Reads
from golive.errors import DataError, GoliveError, NotConvertibleError, ParityError
from golive.packaging.network_file import NetworkFile, NetworkKind
from golive.settings import forbid_telemetry, prefer_torch_in_keras

FREE_ROWS = 2


class Asked(msgspec.Struct, frozen=True):
    """Which file to load."""

    path: str
    kind: NetworkKind

    @property
    def file(self) -> NetworkFile:
        """The file, as the rest of golive names it."""
        return NetworkFile(path=Path(self.path), kind=self.kind)


class Given(msgspec.Struct, frozen=True):
    """Arrays for a network, by the names of its inputs."""

    arrays: bytes
    """As ``golive.control.sandbox.arrays`` packs them."""
    open_axes: dict[str, tuple[int, ...]] = {}
    outputs: tuple[str, ...] = ()
    """Names for what it gives; empty: its own."""


class Opened(msgspec.Struct, frozen=True):
    """What a loaded network says of itself."""

    reads: Reads
    shape: tuple[int, ...]


def handler() -> Callable[[str, bytes], bytes]:
    """Give what answers a sandbox's questions about one file."""
    loaded: list[_Loaded] = []

    def answer(verb: str, content: bytes) -> bytes:
        if verb == "open":
            loaded[:] = [_load(msgspec.msgpack.decode(content, type=Asked).file)]
            return msgspec.msgpack.encode(loaded[0].opened())
        if verb == "ask":
            return pack({"answers": loaded[0].ask(unpack(content)["rows"])})
        if verb == "tensors":
            return loaded[0].written_with_own_example()
        if verb == "ask_tensors":
            return pack(loaded[0].ask_tensors(msgspec.msgpack.decode(content, type=Given)))
        if verb == "write_tensors":
            return loaded[0].write_tensors(msgspec.msgpack.decode(content, type=Given))
        return torch.written(loaded[0].plain, (unpack(content)["rows"],))

    return answer


class _Loaded:
    """A network, and how its library is asked."""

    def __init__(self, module: Any, plain: Any, ask: Ask) -> None:
        self.module = module
        self.plain = plain
        self.ask = ask

    def opened(self) -> Opened:
        if self.plain is self.module:
            return Opened(torch.reads_of(self.module), ())
        if len(getattr(self.module, "inputs", None) or ()) > 1:
            # Of rows of a table it is refused when it is asked; as tensors it has them all.
            return Opened("float32", ())
        return Opened(keras.reads_of(self.module), keras.shape_of(self.module))

    def written_with_own_example(self) -> bytes:
        if self.plain is not self.module:
            return self._written_by_name()
        given = tuple(np.asarray(array) for array in self._example())
        content = torch.written(self.plain, given)
        _check_same(content, given, self._answers(given))
        return content

    def ask_tensors(self, given: Given) -> dict[str, Array]:
        """Ask for arrays by name."""
        found: dict[str, Array] = self._library.ask(self.module, unpack(given.arrays), outputs=given.outputs)
        return found

    def write_tensors(self, given: Given) -> bytes:
        """Write the network as ONNX with all its inputs and outputs."""
        example = unpack(given.arrays)
        names = tuple(self._library.ask(self.module, example, outputs=given.outputs))
        if self.plain is not self.module:
            return keras_tensors.written_here(self.module, example, given.open_axes, names)
        call = torch_tensors.call_of(self.module, example)
        return torch_tensors.written(self.module, call, example, given.open_axes, names)

    @property
    def _library(self) -> Any:
        return torch_tensors if self.plain is self.module else keras_tensors

    def _written_by_name(self) -> bytes:
        """Write a Keras model with all its inputs; where it leaves the length of an axis open, so does the graph."""
        random = np.random.default_rng(0)
        example, axes = {}, {}
        for one in self.module.inputs:
            shape = [FREE_ROWS if length is None else length for length in one.shape]
            dtype = np.dtype(str(one.dtype))
            drawn = random.normal(size=shape) if dtype.kind == "f" else np.zeros(shape)
            example[str(one.name)] = drawn.astype(dtype)
            axes[str(one.name)] = tuple(axis for axis, length in enumerate(one.shape) if length is None)
        expected = keras_tensors.ask(self.module, example, outputs=())
        content = keras_tensors.written_here(self.module, example, axes, tuple(expected))
        _check_same(content, tuple(example.values()), list(expected.values()))
        return content

    def _answers(self, given: tuple[Array, ...]) -> list[Array]:
        library = plugins.library("torch")
        with torch.inference_mode(self.plain_callable):
            found = self.plain_callable(*(library.from_numpy(array) for array in given))
        listed = found if isinstance(found, (tuple, list)) else (found,)
        return [np.asarray(one.detach().numpy()) for one in listed]

    @property
    def plain_callable(self) -> Any:
        return torch.callable_of(self.plain)

    def _example(self) -> tuple[Any, ...]:
        given, named = getattr(self.module, "example_inputs", None) or ((), {})
        torch_library = plugins.library("torch")
        if not given or named or not all(isinstance(value, torch_library.Tensor) for value in given):
            message = (
                f"{type(self.module).__name__} brings no example of its inputs as plain tensors; write it with "
                "torch.onnx.export yourself, and import the ONNX file"
            )
            raise NotConvertibleError(message)
        return tuple(value.detach().numpy() for value in given)


def _check_same(content: bytes, given: tuple[Array, ...], expected: list[Array]) -> None:
    """Compare the written graph with the network, on the example that it brings."""
    forbid_telemetry()
    session = plugins.library("onnxruntime").InferenceSession(content, providers=["CPUExecutionProvider"])
    feeds = {node.name: array for node, array in zip(session.get_inputs(), given, strict=True)}
    for found, wanted in zip(session.run(None, feeds), expected, strict=True):
        apart = _apart(np.asarray(found, np.float64), np.asarray(wanted, np.float64))
        if apart > SINGLE:
            message = (
                f"the graph that torch.onnx.export wrote is up to {apart:.3g} away from the network on its own "
                "example; write it as ONNX yourself, and import that"
            )
            raise ParityError(message)


def _apart(found: Array, wanted: Array) -> float:
    if found.shape != wanted.shape:
        return math.inf
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    return float(np.where(same, 0.0, np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted))).max(initial=0.0))


def _check_example(path: Path) -> None:
    """Refuse an example that is more than tensors: torch would load it as a pickle that runs code."""
    torch_library = plugins.library("torch")
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if "/data/sample_inputs/" in f"/{name}":
                torch_library.load(BytesIO(archive.read(name)), weights_only=True)


def _load(file: NetworkFile) -> _Loaded:
    try:
        return _loaded(file)
    except GoliveError:
        raise
    except Exception as error:  # libraries raise anything over a stranger's file
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        message = f"{file.path.name} cannot be loaded ({reason}); save it anew with the versions that are installed"
        raise DataError(message) from error


def _loaded(file: NetworkFile) -> _Loaded:
    if file.kind == "keras":
        prefer_torch_in_keras()
        model = plugins.library("keras").saving.load_model(str(file.path), compile=False, safe_mode=True)
        return _Loaded(model, keras.plain(model), keras.asker(model))
    library = plugins.library("torch")
    library.set_num_threads(1)
    if file.kind == "torchscript":
        module = library.jit.load(str(file.path), map_location="cpu")
    else:
        _check_example(file.path)
        module = library.export.load(str(file.path))
    return _Loaded(module, module, torch.asker(module))
