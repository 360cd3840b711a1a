"""Network tensors: a network's file that is asked, and written, with the arrays that somebody has for its inputs."""

from collections.abc import Sequence
from typing import Any, Self

import msgspec

from golive import plugins
from golive.adapters.frameworks.network_child import Given
from golive.adapters.frameworks.network_file import OpenFile
from golive.adapters.frameworks.networks import Array
from golive.control.sandbox.arrays import pack, unpack
from golive.control.sandbox.process import SandboxError
from golive.packaging.network_file import NetworkFile
from golive.ports import Arrays, OpenAxes


class NetworkTensors:
    """Writes one network, and holds it in its sandbox as long as it is asked."""

    name = "network-file"

    def __init__(self, file: NetworkFile) -> None:
        self._opened = OpenFile(file)
        self._path = file.path

    def tensors(self, model: Any, example: Arrays, *, open_axes: OpenAxes, outputs: Sequence[str]) -> bytes:
        """Write the network as ONNX; ``model`` is the file that this holds.

        Raises:
            NotConvertibleError: it cannot be written, or not with these axes open.
        """
        del model
        axes = {name: tuple(found) for name, found in open_axes.items()}
        content = self._opened.written("write_tensors", _packed(Given(pack(example), axes, tuple(outputs))))
        # What a stranger's file had written is as strange as that file.
        checked = plugins.attribute("golive.adapters.formats.onnx", "checked")
        graph: bytes = checked(content, str(self._path)).content
        return graph

    def ask_tensors(self, model: Any, feeds: Arrays, *, outputs: Sequence[str]) -> dict[str, Array]:
        """Ask the network in inference mode; ``model`` is the file that this holds.

        Raises:
            NotConvertibleError: what it gives are no tensors that can be served.
            ValueError: it cannot answer these values or shapes.
        """
        del model
        try:
            return unpack(self._opened.asked("ask_tensors", _packed(Given(pack(feeds), {}, tuple(outputs)))))
        except SandboxError as error:
            raise ValueError(str(error)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def _packed(given: Given) -> bytes:
    return msgspec.msgpack.encode(given)
