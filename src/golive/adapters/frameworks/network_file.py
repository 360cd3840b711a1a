"""Networks in files: TorchScript, ``torch.export`` and Keras files, loaded, asked and written in a sandbox only."""

from typing import Any, Self

import msgspec

from golive.adapters.frameworks.keras import with_shape
from golive.adapters.frameworks.network_child import Asked, Opened
from golive.adapters.frameworks.networks import Array, answers, table_form
from golive.adapters.frameworks.torch import LIMIT_S, unwritten
from golive.control.sandbox.arrays import pack, unpack
from golive.control.sandbox.process import MEMORY_BYTES, Sandbox, SandboxError
from golive.domain.network import Network
from golive.errors import DataError
from golive.packaging.network_file import NetworkFile
from golive.ports import Converted, Float64

_CHILD = "golive.adapters.frameworks.network_child"
_COPIES = 8


class NetworkFileFramework:
    """Converts networks that stand in files, and asks the originals."""

    name = "network-file"

    def recognizes(self, model: object) -> bool:
        """Say whether this is a file of a network with its declaration."""
        return isinstance(model, Network) and isinstance(model.module, NetworkFile)

    def convert(self, model: Any, sample: Any, *, target: str) -> Converted:
        """Convert a declared network file.

        Args:
            model: The declaration around the file.
            sample: Rows of the table, a DataFrame or an array ``[rows, columns]``.
            target: The name of what is predicted.

        Raises:
            DataError: the file cannot be loaded.
            NotConvertibleError: it cannot be written, or is not what is declared.
        """
        with OpenFile(model.module) as opened:
            return table_form(
                with_shape(model, opened.says.shape),
                sample,
                target=target,
                reads=model.reads or opened.says.reads,
                ask=opened.ask,
                write=opened.write,
            )

    def predict(self, model: Any, rows: Any) -> Float64:
        """Ask the original in inference mode: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities."""
        with OpenFile(model.module) as opened:
            declared = with_shape(model, opened.says.shape)
            return answers(declared, rows, reads=model.reads or opened.says.reads, ask=opened.ask)


class OpenFile:
    """A network's file, loaded in a sandbox."""

    def __init__(self, file: NetworkFile) -> None:
        self._file = file
        size = file.path.stat().st_size
        self._sandbox = Sandbox(_CHILD, "handler", memory_bytes=MEMORY_BYTES + _COPIES * size)
        try:
            asked = msgspec.msgpack.encode(Asked(str(file.path.resolve()), file.kind))
            self.says = msgspec.msgpack.decode(self.asked("open", asked), type=Opened)
        except SandboxError as error:
            self._sandbox.close()
            message = f"{file.path} was opened in a process of its own, which {error}; it is damaged or made to do harm"
            raise DataError(message) from error
        except BaseException:
            self._sandbox.close()
            raise

    def ask(self, rows: Array) -> Array:
        """Ask the network in inference mode."""
        try:
            return unpack(self.asked("ask", pack({"rows": rows})))["answers"]
        except SandboxError as error:
            raise RuntimeError(str(error)) from error

    def write(self, rows: Array) -> bytes:
        """Write the network as ONNX, for rows like these."""
        return self.written("write", pack({"rows": rows}))

    def tensors(self) -> bytes:
        """Write the network as ONNX with the inputs that it has; it must bring an example of them."""
        return self.written("tensors", b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox."""
        self._sandbox.close()

    def written(self, verb: str, content: bytes) -> bytes:
        """Ask the sandbox for a graph.

        Raises:
            NotConvertibleError: it gave none; the message says why.
        """
        try:
            return self.asked(verb, content)
        except SandboxError as error:
            raise unwritten(self._file.path.name, str(error)) from error

    def asked(self, verb: str, content: bytes) -> bytes:
        """Ask the sandbox.

        Raises:
            SandboxError: it gave no answer.
        """
        return self._sandbox.ask(verb, content, limit_s=LIMIT_S)
