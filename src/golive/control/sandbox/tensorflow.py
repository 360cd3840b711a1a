"""TensorFlow's environment: made once for this machine, kept, and never golive's own; and files opened in it."""

import logging
import platform
import sys
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
import numpy.typing as npt

from golive import plugins
from golive.control.sandbox.arrays import pack, unpack
from golive.control.sandbox.process import MEMORY_BYTES, Sandbox, SandboxError
from golive.errors import DataError, UnavailableError
from golive.packaging.onnx_file import OnnxFile

Arrays = dict[str, npt.NDArray[Any]]
Kind = Literal["SavedModel", "TFLite"]

SIZE_GB = 1.7
MAKE_S = 1800.0
ASK_S = 600.0
_COPIES = 8
"""So many times its own size a file may take in memory while it is converted."""
_CHILD = "golive.adapters.formats.tensorflow_child"
_ROOM = "golive.adapters.runtimes.isolated"
_VERSION = "2.21.0"
_OTHERS = (
    "absl-py==2.5.1",
    "astunparse==1.6.3",
    "certifi==2026.10.18",
    "charset-normalizer==3.5.2",
    "flatbuffers==25.12.19",
    "gast==0.7.0",
    "google-pasta==0.2.0",
    "grpcio==1.85.1",
    "h5py==3.14.0",
    "idna==3.20",
    "keras==3.15.1",
    "markdown-it-py==4.3.0",
    "mdurl==0.1.2",
    "ml_dtypes==0.6.0",
    "msgspec==0.22.0",
    "namex==0.1.0",
    "numpy==2.4.6",
    "onnx==1.23.2",
    "onnxruntime==1.31.1",
    "opt_einsum==3.4.0",
    "optree==0.20.0",
    "packaging==26.3",
    "protobuf==7.36.2",
    "pygments==2.21.0",
    "requests==2.34.2",
    "rich==15.0.0",
    "setuptools==65.5.0",
    "six==1.17.0",
    "termcolor==3.3.0",
    "tf2onnx==1.17.0",
    "typing_extensions==4.16.0",
    "urllib3==2.8.0",
    "wrapt==2.5.2",
)


def requirements() -> tuple[str, ...]:
    """List what the environment holds, with exact versions: nothing else is installed into it."""
    is_small = sys.platform == "linux" and platform.machine() == "x86_64"
    return (f"tensorflow-cpu=={_VERSION}" if is_small else f"tensorflow=={_VERSION}", *_OTHERS)


def tensorflow_python(folder: Path | None = None) -> Path:
    """Give the interpreter of an environment with TensorFlow, which is made when it is asked for first.

    Args:
        folder: where environments are kept; golive's own place for them where None is given.

    Raises:
        UnavailableError: it cannot be made here; the message says why.
    """
    interpreter = plugins.attribute(f"{_ROOM}.environments", "interpreter")
    python = plugins.attribute(f"{_ROOM}.environments", "running_python")()
    place = folder or plugins.attribute(f"{_ROOM}.runtime", "environments_folder")()
    if not any(place.glob("*/lib/python*/site-packages/tensorflow")):
        logging.getLogger("golive.tensorflow").warning(
            "TensorFlow runs in an environment of its own, never in golive's: up to %s GB in %s, made once",
            SIZE_GB,
            place,
        )
    try:
        found: Path = interpreter(requirements(), python, place, limit_s=MAKE_S)
    except UnavailableError as error:
        reason = error.message.replace("the isolated model", "TensorFlow")
        message = f"TensorFlow {_VERSION} is needed, in an environment of its own: {reason}"
        raise UnavailableError(message) from error
    return found


class Asked(msgspec.Struct, frozen=True):
    """Which file to load; ``signature`` and ``operators`` of a SavedModel as its graph was read."""

    path: str
    kind: Kind
    signature: str = ""
    operators: tuple[str, ...] = ()


class Made(msgspec.Struct, frozen=True):
    """A graph, and how its answers compare with those of the file that it was made from."""

    content: bytes
    compared: str
    difference: float


class TensorflowFile(OnnxFile, frozen=True, kw_only=True):
    """The graph that a file became, and how the file itself is asked."""

    asked: Asked
    size: int


class OpenTensorflow:
    """A SavedModel or TFLite file, loaded in TensorFlow's environment and in a sandbox. Use it in a ``with`` statement.

    Raises:
        DataError: it cannot be loaded; the message says why.
        UnavailableError: the environment cannot be made here.
    """

    def __init__(self, asked: Asked, *, size: int) -> None:
        self._path = asked.path
        python = tensorflow_python()
        self._sandbox = Sandbox(_CHILD, "handler", memory_bytes=MEMORY_BYTES + _COPIES * size, python=python)
        try:
            self._asked("open", msgspec.msgpack.encode(asked))
        except BaseException:
            self.close()
            raise

    def made(self) -> Made:
        """Write it as ONNX, and compare both on made-up inputs.

        Raises:
            NotConvertibleError: a part has no form in ONNX; the message names it.
            ParityError: the graph answers differently.
        """
        return msgspec.msgpack.decode(self._asked("convert", b""), type=Made)

    def ask(self, feeds: Arrays) -> Arrays:
        """Ask the file itself: an array for each input in, one for each output out."""
        return unpack(self._asked("ask", pack(feeds)))

    def close(self) -> None:
        """End its process."""
        self._sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _asked(self, verb: str, content: bytes) -> bytes:
        try:
            return self._sandbox.ask(verb, content, limit_s=ASK_S)
        except SandboxError as error:
            message = (
                f"{self._path} was opened by TensorFlow in a process of its own, which {error}; it is damaged, too "
                "big, or made to do harm"
            )
            raise DataError(message) from error
