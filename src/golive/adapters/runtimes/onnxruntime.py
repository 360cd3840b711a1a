"""ONNX Runtime on the CPU: a graph's bytes in, a session out."""

from pathlib import Path
from typing import Any

import numpy as np

from golive.adapters.runtimes.mapped import LEAST_BYTES, mapped
from golive.adapters.runtimes.onnx_tensors import OnnxTensors
from golive.errors import VerificationError
from golive.ports import Float64, Int64, Session, TensorSession
from golive.settings import forbid_telemetry

_INPUTS = {"N": "tensor(double)", "C": "tensor(int64)"}
_OUTPUT = "P"
_BY_TWO = ("Exp", "Tanh", "Sigmoid", "Softmax", "LogSoftmax")
_BY_FOUR = ("Log", "Sin", "Cos", "Atan", "Elu", "Selu", "Softplus")
_FEW = 256
"""Up to so many rows are copied to repeat the last of them."""
_ERRORS_ONLY = 3
_FATAL_ONLY = 4


class OnnxRuntime:
    """Opens graphs with ONNX Runtime."""

    name = "onnxruntime"

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def sharing(self, folder: Path) -> "OnnxRuntime":
        """Give a runtime that keeps big graphs in a folder, so that processes share the memory of their weights."""
        return OnnxRuntime(folder)

    def open(self, graph: bytes, *, threads: int) -> Session:
        """Open a graph, using that many threads inside one call.

        Raises:
            VerificationError: the bytes are not a graph, or one with other inputs and outputs than golive's.
        """
        return OnnxSession(self._session(graph, threads), together=rows_together(graph))

    def open_tensors(self, graph: bytes, *, threads: int) -> TensorSession:
        """Open a graph with the inputs and outputs that it has, using that many threads inside one call.

        Raises:
            VerificationError: the bytes are not a graph, or an input or output is no tensor that numpy can hold.
        """
        session = self._session(graph, threads)
        quiet = _library().RunOptions()
        quiet.log_severity_level = _FATAL_ONLY
        return OnnxTensors(session, quiet)

    def _session(self, graph: bytes, threads: int) -> Any:
        library, folder = _library(), self._folder
        try:
            model = str(mapped(library, graph, folder)) if folder is not None and len(graph) >= LEAST_BYTES else graph
            return library.InferenceSession(model, _options(library, threads), providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises a dozen classes of its own, with Exception as their root
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            message = (
                f"the {len(graph)} bytes are not a graph that ONNX Runtime {library.__version__} can run "
                f"({reason}); package the model again"
            )
            raise VerificationError(message) from error


def rows_together(graph: bytes) -> int:
    """Say of which number the rows of a run must be a multiple, so that each gets the same bits alone and among others.

    ONNX Runtime works exponentials and their like out in packets of two doubles or four floats, and what is left over
    at the end of a tensor by the C library, which may differ in the last bit; its Softmax of one row adds in another
    order. Sums, products and trees have no such ends.
    """
    if any(_has(graph, name) for name in _BY_FOUR):
        return 4
    return 2 if any(_has(graph, name) for name in _BY_TWO) else 1


def _has(graph: bytes, kind: str) -> bool:
    # A node's kind is its fourth field, with its length before it; that weights look so by chance costs time only.
    return b'"%c%b' % (len(kind), kind.encode()) in graph


class OnnxSession:
    """An opened graph. One row goes through buffers that were bound once, any other number the general way.

    Args:
        session: the library's own.
        together: runs have a multiple of this number of rows; the last row is repeated where it takes more of them.
    """

    def __init__(self, session: Any, *, together: int = 1) -> None:
        self._session = session
        self._together = together
        widths = {node.name: _width(node, _INPUTS.get(node.name)) for node in session.get_inputs()}
        outputs = {node.name: _width(node, "tensor(double)") for node in session.get_outputs()}
        if set(outputs) != {_OUTPUT}:
            message = (
                f"the graph gives {sorted(outputs)}, but one output {_OUTPUT!r} is needed; package the model again"
            )
            raise VerificationError(message)
        self._names = tuple(name for name in _INPUTS if name in widths)
        self._run = session.run
        self._outputs = [_OUTPUT]
        self._numbers = np.zeros((together, widths.get("N", 0)), dtype=np.float64)
        self._codes = np.zeros((together, widths.get("C", 0)), dtype=np.int64)
        self._answer = np.zeros((together, outputs[_OUTPUT]), dtype=np.float64)
        self._first = self._answer[:1]
        self._has_codes = "C" in widths
        self._bound = self._bind()
        self._run_bound = session.run_with_iobinding

    def run(self, numbers: Float64, codes: Int64) -> Float64:
        """Predict: float64 ``[n, numbers]`` and int64 ``[n, categories]`` in, float64 ``[n, outputs]`` out."""
        if len(numbers) == 1 and len(codes) == 1:
            # Measured on a linear model with 1.31: 5.5 us, the copies included, against 6.8 us for the general way.
            self._numbers[:] = numbers
            if self._has_codes:
                self._codes[:] = codes
            self._run_bound(self._bound)
            return self._first.copy()
        over = len(numbers) % self._together
        return self._run_more(numbers, codes) if not over else self._run_uneven(numbers, codes, over)

    def _run_uneven(self, numbers: Float64, codes: Int64, over: int) -> Float64:
        if len(numbers) > _FEW:
            # Cut, so that a large batch is not copied for the sake of a row.
            parts = self._run_more(numbers[:-over], codes[:-over]), self.run(numbers[-over:], codes[-over:])
            return np.concatenate(parts)
        lacking = self._together - over
        more_numbers, more_codes = np.repeat(numbers[-1:], lacking, axis=0), np.repeat(codes[-1:], lacking, axis=0)
        return self._run_more(np.concatenate((numbers, more_numbers)), np.concatenate((codes, more_codes)))[:-lacking]

    def _run_more(self, numbers: Float64, codes: Int64) -> Float64:
        given = {"N": numbers, "C": codes}
        answer: Float64 = self._run(self._outputs, {name: given[name] for name in self._names})[0]
        return answer

    def _bind(self) -> Any:
        bound = self._session.io_binding()
        for name, buffer in (("N", self._numbers), ("C", self._codes)):
            if name in self._names:
                bound.bind_input(name, "cpu", 0, buffer.dtype, buffer.shape, buffer.ctypes.data)
        answer = self._answer
        bound.bind_output(_OUTPUT, "cpu", 0, answer.dtype, answer.shape, answer.ctypes.data)
        return bound


def _library() -> Any:
    forbid_telemetry()
    import onnxruntime  # noqa: PLC0415

    return onnxruntime


def _options(library: Any, threads: int) -> Any:
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = library.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ERRORS_ONLY
    return options


def _width(node: Any, kind: str | None) -> int:
    shape = node.shape
    if kind is None or node.type != kind or len(shape) != 2 or not isinstance(shape[1], int):  # noqa: PLR2004 (a matrix)
        message = (
            f"the graph has {node.name!r} as {node.type} {shape}, but N as tensor(double), C as tensor(int64) and "
            "P as tensor(double), each [rows, a fixed width], are needed; package the model again"
        )
        raise VerificationError(message)
    return int(shape[1])
