"""Tensors of ONNX Runtime: an open session of anybody's graph in, a session of named arrays out."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from golive.domain.signature import Tensor, TensorType
from golive.errors import RequestError, UnavailableError, VerificationError

_TYPES: dict[str, TensorType] = {
    "tensor(float16)": "float16",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int8)": "int8",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
    "tensor(string)": "string",
}
_REMEDIES = (
    ("seq(map(", "export the classifier without ZipMap (skl2onnx: options={'zipmap': False})"),
    ("map(", "export the classifier without ZipMap (skl2onnx: options={'zipmap': False})"),
    ("seq(", "join the sequence into one tensor (ConcatFromSequence) before exporting"),
    ("optional(", "export the graph with the value always there"),
    ("sparse_tensor(", "export the graph with a dense tensor"),
    ("tensor(bfloat16)", "put a Cast to float32 beside it before exporting"),
)
_PROLOGUE = re.compile(r"(.*Status Message: |\[ONNXRuntimeError\] : \d+ : \w+ : )(/\S+ .*?\) )?", re.DOTALL)
"""What stands before the reason in an error of a run: the path of a source file and a function of it, among others."""
_LONGEST = 300


class OnnxTensors:
    """An opened graph with the inputs and outputs that it has. Safe to call from one thread at a time.

    Args:
        session: an ``InferenceSession``.
        quiet: the ``RunOptions`` of every run; without them, each request that does not fit is an error in the log.

    Raises:
        VerificationError: an input or output is no tensor of a type that numpy has.
    """

    def __init__(self, session: Any, quiet: Any) -> None:
        self.inputs: tuple[Tensor, ...] = tuple(_tensor("input", node) for node in session.get_inputs())
        self.outputs: tuple[Tensor, ...] = tuple(_tensor("output", node) for node in session.get_outputs())
        self._names = [tensor.name for tensor in self.outputs]
        self._run = session.run
        self._quiet = quiet

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Run the graph: an array for each input, of its dtype and rank, in; one for each output out.

        Raises:
            RequestError: these values or shapes do not go through this graph.
            UnavailableError: there is not enough memory for them.
        """
        try:
            answers = self._run(self._names, feeds, self._quiet)
        except Exception as error:  # ONNX Runtime raises a dozen classes of its own, with Exception as their root
            raise _explained(str(error)) from error
        return dict(zip(self._names, map(np.asarray, answers), strict=True))


def _tensor(side: str, node: Any) -> Tensor:
    dtype = _TYPES.get(node.type)
    if dtype is None:
        remedy = next((text for start, text in _REMEDIES if node.type.startswith(start)), "export it as another type")
        message = f"the graph's {side} {node.name!r} is of the type {node.type}, which is not served; {remedy}"
        raise VerificationError(message)
    # An axis with a name of its own is one whose length is only known of a request.
    shape = tuple(length if isinstance(length, int) and length >= 0 else None for length in node.shape)
    return Tensor(name=node.name, dtype=dtype, shape=shape)


def _explained(text: str) -> RequestError | UnavailableError:
    reason = " ".join(_PROLOGUE.sub("", text, count=1).split())[:_LONGEST] or "without a reason"
    if "allocate memory" in text or "bad_alloc" in text:
        return UnavailableError(f"the model has not enough memory for this request ({reason}); send smaller tensors")
    return RequestError(
        f"the model cannot be run on these tensors ({reason}); check that their shapes and values fit one another"
    )
