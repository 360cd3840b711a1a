"""Checks the model beside this file against parity.json: are its answers here those that it had where it was written?

It needs numpy, and torch for model.pt2, tensorflow for saved_model, ai-edge-litert or tensorflow for model.tflite:
``python check.py``. Exit code 1 and the worst place where they differ.
"""

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]
Ask = Callable[[Arrays], Mapping[str, Any]]


def main() -> int:
    """Compare, print one sentence, and give the exit code."""
    here = Path(__file__).resolve().parent
    parity = json.loads((here / "parity.json").read_text("utf-8"))
    greatest, text = compared(parity, opened(here))
    print(text)  # noqa: T201
    return int(not greatest <= parity["tolerance"])


def compared(parity: Mapping[str, Any], ask: Ask) -> tuple[float, str]:
    """Give the greatest difference, and a sentence about it."""
    greatest, place, cells = 0.0, "", 0
    for number, (feeds, wanted) in enumerate(cases(parity)):
        answers = ask(feeds)
        for name, expected in wanted.items():
            found = np.asarray(answers[name])
            apart = differences(expected, found)
            cells += apart.size
            if apart.max(initial=0.0) > greatest:
                greatest, at = float(apart.max()), int(apart.argmax())
                values = [array.reshape(-1)[at : at + 1].tolist() for array in (expected, found)]
                place = f"; {name!r} of case {number}, value {at}: {values[0]} was, {values[1]} is"
    return greatest, f"{cells} values: the greatest difference is {greatest:.3g}{place}"


def opened(folder: Path) -> Ask:
    """Open the model in a folder and give what answers arrays by name."""
    if (folder / "model.pt2").exists():
        return _torch(folder / "model.pt2")
    return _saved_model(folder / "saved_model") if (folder / "saved_model").exists() else _lite(folder / "model.tflite")


def cases(parity: Mapping[str, Any]) -> Iterator[tuple[Arrays, Arrays]]:
    """Give inputs with the answers that they have: of rows all together and the first one alone, else every case."""
    if parity["task"] == "tensors":
        for case in parity["cases"]:
            yield (
                {name: _array(told) for name, told in case["inputs"].items()},
                {name: _array(told) for name, told in case["outputs"].items()},
            )
        return
    dtype = parity.get("dtype", "float64")
    count = len(parity["P"])
    numbers, answers = _numbers(parity["N"], count).astype(dtype), _numbers(parity["P"], count)
    codes = np.array(parity["C"], np.int64).reshape(count, -1)
    feeds = {name: array for name, array in (("N", numbers), ("C", codes)) if array.shape[1]}
    yield feeds, {"P": answers}
    yield {name: array[:1] for name, array in feeds.items()}, {"P": answers[:1]}


def differences(wanted: npt.NDArray[Any], got: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Say how far apart values are, relative to max(1, |wanted|); infinite where shape or kind differ."""
    if wanted.shape != got.shape:
        return np.array([np.inf])
    left, right = wanted.astype(np.float64), got.astype(np.float64)
    with np.errstate(all="ignore"):
        apart = np.abs(left - right) / np.maximum(1.0, np.abs(left))
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    return np.where(same, 0.0, np.where(np.isfinite(apart), apart, np.inf))


def _torch(path: Path) -> Ask:
    torch: Any = importlib.import_module("torch")
    module = torch.export.load(str(path)).module()
    names = json.loads(path.with_name("inputs.json").read_text("utf-8"))

    def ask(feeds: Arrays) -> Mapping[str, Any]:
        with torch.no_grad():
            found = module(*(torch.from_numpy(feeds[name]) for name in names))
        return {name: value.numpy() for name, value in found.items()}

    return ask


def _saved_model(path: Path) -> Ask:
    tensorflow: Any = importlib.import_module("tensorflow")
    loaded = tensorflow.saved_model.load(str(path))

    def ask(feeds: Arrays) -> Mapping[str, Any]:
        # A function alone would lose its weights: they live as long as what it was loaded with.
        found = loaded.signatures["serving_default"](
            **{name: tensorflow.constant(array) for name, array in feeds.items()}
        )
        return {name: value.numpy() for name, value in found.items()}

    return ask


def _lite(path: Path) -> Ask:
    try:
        interpreter = importlib.import_module("ai_edge_litert.interpreter").Interpreter
    except ModuleNotFoundError:
        interpreter = importlib.import_module("tensorflow").lite.Interpreter
    runner = interpreter(model_path=str(path), num_threads=1).get_signature_runner()
    return lambda feeds: dict(runner(**feeds))


def _numbers(rows: list[list[Any]], count: int) -> npt.NDArray[np.float64]:
    flat = [np.nan if value is None else float(value) for row in rows for value in row]
    return np.array(flat, np.float64).reshape(count, -1)


def _array(told: Mapping[str, Any]) -> npt.NDArray[Any]:
    if told["dtype"].startswith("float"):
        return _numbers([told["data"]], 1).astype(told["dtype"]).reshape(told["shape"])
    return np.array(told["data"], told["dtype"]).reshape(told["shape"])


if __name__ == "__main__":
    sys.exit(main())
