"""OpenVINO on the CPU: a graph's bytes in, a session out that reckons in float32.

OpenVINO reckons in bfloat16 where a processor has it, unless it is told otherwise, and in float32 where a graph says
float64. So a graph in double precision may answer otherwise here; whether that matters is judged on rows.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from golive import plugins
from golive.errors import VerificationError
from golive.ports import Float64, Int64, Session, TensorSession

_OUTPUT = "P"
_KINDS = {"N": "f64", "C": "i64", _OUTPUT: "f64"}
_UNKNOWN = re.compile(r"No conversion rule found for operations: (.+)")
_LONGEST = 200


class OpenvinoRuntime:
    """Opens graphs over rows of a table with OpenVINO."""

    name = "openvino"

    def sharing(self, _folder: Path) -> "OpenvinoRuntime":
        """Give itself: OpenVINO arranges weights anew, so processes cannot share them."""
        return self

    def open(self, graph: bytes, *, threads: int) -> Session:
        """Open a graph, using that many threads inside one call.

        Raises:
            VerificationError: the bytes are no graph, have other inputs and outputs than golive's, or an operator that
                OpenVINO does not have, such as those of trees (``ai.onnx.ml``); the message names it.
            MissingExtraError: OpenVINO is not installed.
        """
        library = plugins.library("openvino")
        core = library.Core()
        try:
            model = core.read_model(graph)
            options = {
                "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "PERFORMANCE_HINT": "LATENCY",
            }
            compiled = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise _refusal(str(error), graph) from error
        _check(model)
        return OpenvinoSession(library, compiled)

    def open_tensors(self, graph: bytes, *, threads: int) -> TensorSession:
        """Refuse: bundles that take tensors are run by ONNX Runtime.

        Raises:
            VerificationError: always.
        """
        message = (
            f"OpenVINO does not run bundles that take tensors here ({len(graph)} bytes, {threads} threads); "
            "package the model for onnxruntime"
        )
        raise VerificationError(message)


class OpenvinoSession:
    """An opened graph. One row goes through buffers that were bound once, any other number through fresh ones."""

    def __init__(self, library: Any, compiled: Any) -> None:
        self._tensor = library.Tensor
        widths = {port.any_name: port.get_partial_shape()[1].get_length() for port in compiled.inputs}
        self._names = tuple(name for name in ("N", "C") if name in widths)
        self._one, self._many = compiled.create_infer_request(), compiled.create_infer_request()
        self._buffers = {
            "N": np.zeros((1, widths.get("N", 0)), np.float64),
            "C": np.zeros((1, widths.get("C", 0)), np.int64),
        }
        for name in self._names:
            self._one.set_tensor(name, self._tensor(self._buffers[name], shared_memory=True))

    def run(self, numbers: Float64, codes: Int64) -> Float64:
        """Predict: float64 ``[n, numbers]`` and int64 ``[n, categories]`` in, float64 ``[n, outputs]`` out."""
        # OpenVINO reads these arrays and holds none of them: they must live until it has answered.
        given = {"N": np.ascontiguousarray(numbers), "C": np.ascontiguousarray(codes)}
        request = self._one if max(len(numbers), len(codes)) == 1 else self._many
        for name in self._names:
            if request is self._one:
                self._buffers[name][:] = given[name]
            else:
                request.set_tensor(name, self._tensor(given[name], shared_memory=True))
        request.infer(share_outputs=True)
        answer: Float64 = request.get_tensor(_OUTPUT).data.copy()
        return answer


def _check(model: Any) -> None:
    """See that inputs and outputs are golive's; an input that nothing reads is not there any more."""
    ports = [*model.inputs, *model.outputs]
    for port in ports:
        shape = port.get_partial_shape()
        is_matrix = shape.rank.is_static and len(shape) == 2 and shape[1].is_static  # noqa: PLR2004 - rows, columns
        kind = port.get_element_type().get_type_name()
        if _KINDS.get(port.any_name) != kind or not is_matrix:
            message = (
                f"the graph has {port.any_name!r} as {kind} {shape}, but N as f64, C as i64 and P as f64, each [rows, "
                "a fixed width], are needed; package the model again"
            )
            raise VerificationError(message)
    if [port.any_name for port in model.outputs] != [_OUTPUT]:
        message = f"the graph gives {len(model.outputs)} outputs, but one, 'P', is needed; package the model again"
        raise VerificationError(message)


def _refusal(text: str, graph: bytes) -> VerificationError:
    found = _UNKNOWN.search(text)
    if found:
        message = (
            f"OpenVINO has no operator {found.group(1).strip()}, which the graph needs; run it with onnxruntime, which "
            "has the operators of trees and tables (ai.onnx.ml)"
        )
        return VerificationError(message)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("Exception from", "Check "))]
    reason = (lines[0] if lines else "without a reason")[:_LONGEST]
    return VerificationError(f"the {len(graph)} bytes are not a graph that OpenVINO can run ({reason})")
