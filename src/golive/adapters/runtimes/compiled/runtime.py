"""Compiled trees: few rows by ONNX Runtime, whose way of one row is short; many by the C program."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golive.adapters.graphs.session import session
from golive.adapters.runtimes.compiled.pieces import Pieces, cut
from golive.adapters.runtimes.compiled.program import Walk, walk
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.errors import MissingExtraError, VerificationError
from golive.ports import Float64, Int64, Session, TensorSession

LEAST_ROWS = 8
"""From so many rows on the trees are walked by the C program."""


class CompiledRuntime:
    """Opens graphs that have one ensemble of trees, where there is a C compiler."""

    name = "compiled"

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def sharing(self, folder: Path) -> "CompiledRuntime":
        """Give a runtime that keeps the compiled program in a folder, so that it is compiled once."""
        return CompiledRuntime(folder)

    def open(self, graph: bytes, *, threads: int) -> Session:
        """Open a graph; ``threads`` are for what ONNX Runtime does of it.

        Raises:
            VerificationError: the bytes are not a graph with one ensemble of trees, or there is no C compiler.
            MissingExtraError: the library that graphs are read with is not installed.
        """
        pieces = cut(_onnx(), graph)
        whole = OnnxRuntime(self._folder).open(graph, threads=threads)
        before = session(pieces.before, threads=threads) if pieces.before else None
        return CompiledSession(pieces, walk(self._folder), whole, before, session(pieces.after, threads=threads))

    def open_tensors(self, graph: bytes, *, threads: int) -> TensorSession:
        """Refuse: bundles that take tensors are run by ONNX Runtime.

        Raises:
            VerificationError: always.
        """
        message = (
            f"compiled trees read rows of a table, and this graph takes tensors ({len(graph)} bytes, {threads} "
            "threads); package the model for onnxruntime"
        )
        raise VerificationError(message)


class CompiledSession:
    """An opened graph: whole, and cut at its trees."""

    def __init__(self, pieces: Pieces, program: Walk, whole: Session, before: Any, after: Any) -> None:
        self._pieces, self._walk, self._whole, self._before, self._after = pieces, program, whole, before, after
        self._names = {
            piece: tuple(node.name for node in piece.get_inputs()) for piece in (before, after) if piece is not None
        }

    def run(self, numbers: Float64, codes: Int64) -> Float64:
        """Predict: float64 ``[n, numbers]`` and int64 ``[n, categories]`` in, float64 ``[n, outputs]`` out."""
        if max(len(numbers), len(codes)) < LEAST_ROWS:
            return self._whole.run(numbers, codes)
        given: dict[str, npt.NDArray[Any]] = {"N": numbers, "C": codes}
        given[self._pieces.given] = self._sums(given).astype(self._pieces.dtype, copy=False)
        answer: Float64 = self._after.run(["P"], {name: given[name] for name in self._names[self._after]})[0]
        return answer

    def _sums(self, given: dict[str, npt.NDArray[Any]]) -> Float64:
        rows, forest = self._rows(given), self._pieces.forest
        if rows.shape[1] < forest.columns:
            message = f"the trees read {forest.columns} columns, and rows have {rows.shape[1]}; package the model again"
            raise VerificationError(message)
        sums = np.zeros((len(rows), forest.outputs))
        self._walk(
            forest.nodes.ctypes.data,
            forest.sets.ctypes.data if len(forest.sets) else None,
            forest.roots.ctypes.data,
            len(forest.roots),
            forest.targets.ctypes.data,
            forest.weights.ctypes.data,
            rows.ctypes.data,
            len(rows),
            rows.shape[1],
            sums.ctypes.data,
            forest.outputs,
        )
        return sums

    def _rows(self, given: dict[str, npt.NDArray[Any]]) -> Float64:
        if self._before is not None:
            feeds = {name: given[name] for name in self._names[self._before]}
            [read] = self._before.run([self._pieces.read], feeds)
            return np.ascontiguousarray(read, np.float64)
        read = given["N"]
        with np.errstate(over="ignore"):
            for dtype in self._pieces.casts or ():
                read = read.astype(dtype)
        return np.ascontiguousarray(read, np.float64)


def _onnx() -> Any:
    try:
        import onnx  # noqa: PLC0415
        import onnx.helper  # noqa: PLC0415
        import onnx.numpy_helper  # noqa: PLC0415
    except ModuleNotFoundError as error:
        message = "the library 'onnx' is not installed; pip install 'golive[compiled]' brings it"
        raise MissingExtraError(message) from error
    return onnx
