"""Checks the engine beside this file against parity.json. It needs tensorrt, cuda-python, numpy, and a GPU.

Exit code 1 and the worst place where answers differ.
"""

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]


def main() -> int:
    """Compare, print one sentence, and give the exit code."""
    here = Path(__file__).resolve().parent
    if not (here / "model.plan").exists():
        print("there is no model.plan: run build.sh first, on a machine with a GPU")  # noqa: T201
        return 1
    sys.path.insert(0, str(here))
    rules: Any = importlib.import_module("cases")
    parity = json.loads((here / "parity.json").read_text("utf-8"))
    engine = Engine(here / "model.plan")
    most = longest((here / "build.sh").read_text("utf-8"))
    greatest = 0.0
    for feeds, wanted in rules.cases(parity):
        count = len(next(iter(feeds.values())))
        pieces = [
            engine.ask({name: array[start : start + most] for name, array in feeds.items()})
            for start in range(0, count, most)
        ]
        for name, expected in wanted.items():
            found = np.concatenate([piece[name] for piece in pieces])
            greatest = max(greatest, float(rules.differences(expected, found).max(initial=0.0)))
    print(f"the greatest difference is {greatest:.3g}")  # noqa: T201
    return int(not greatest <= parity["tolerance"])


def longest(build: str) -> int:
    """Read from the build's commands how many rows the engine takes; without open axes all rows go at once."""
    found = re.search(r"--maxShapes=[^:]+:(\d+)", build)
    return int(found.group(1)) if found else 1 << 30


class Engine:
    """An engine on the first GPU."""

    def __init__(self, path: Path) -> None:
        self._library: Any = importlib.import_module("tensorrt")
        self._cuda: Any = importlib.import_module("cuda.bindings.runtime")
        runtime = self._library.Runtime(self._library.Logger(self._library.Logger.WARNING))
        self._engine = runtime.deserialize_cuda_engine(path.read_bytes())
        self._context = self._engine.create_execution_context()

    def ask(self, feeds: Arrays) -> Arrays:
        """Copy arrays to the GPU, run, and copy the answers back."""
        names = [self._engine.get_tensor_name(place) for place in range(self._engine.num_io_tensors)]
        for name, array in feeds.items():
            self._context.set_input_shape(name, array.shape)
        arrays = {name: self._array(name, feeds) for name in names}
        held = {name: self._done(self._cuda.cudaMalloc(max(1, array.nbytes))) for name, array in arrays.items()}
        stream = self._done(self._cuda.cudaStreamCreate())
        directions = self._cuda.cudaMemcpyKind
        for name, place in held.items():
            self._context.set_tensor_address(name, int(place))
            if name in feeds:
                way = directions.cudaMemcpyHostToDevice
                self._done(self._cuda.cudaMemcpy(place, arrays[name].ctypes.data, arrays[name].nbytes, way))
        if not self._context.execute_async_v3(int(stream)):
            sys.exit("the engine could not be run on these shapes")
        self._done(self._cuda.cudaStreamSynchronize(stream))
        answers = {name: array for name, array in arrays.items() if name not in feeds}
        for name, array in answers.items():
            self._done(
                self._cuda.cudaMemcpy(array.ctypes.data, held[name], array.nbytes, directions.cudaMemcpyDeviceToHost)
            )
        for place in held.values():
            self._done(self._cuda.cudaFree(place))
        return answers

    def _array(self, name: str, feeds: Arrays) -> npt.NDArray[Any]:
        dtype = self._library.nptype(self._engine.get_tensor_dtype(name))
        if name in feeds:
            return np.ascontiguousarray(feeds[name], dtype)
        return np.empty(tuple(self._context.get_tensor_shape(name)), dtype)

    def _done(self, result: Any) -> Any:
        """Give what a call of CUDA's answered, once its error code is zero."""
        code, *found = result
        if int(code):
            sys.exit(f"CUDA failed with {code}")
        return found[0] if found else None


if __name__ == "__main__":
    sys.exit(main())
