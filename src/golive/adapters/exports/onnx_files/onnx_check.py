"""Checks the model beside this file against parity.json: are its answers here those that it had where it was written?

It needs numpy and onnxruntime, nothing else: ``python check.py``. Exit code 1 and the worst row where they differ.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

_CLASSES_OF_A_THRESHOLD = 2
_MODELS = ("model.onnx", "model.ort")


def main() -> int:
    """Compare, print one sentence, and give the exit code."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Compare the model beside this file with parity.json.")
    parser.add_argument("--model", type=Path, default=next(here / name for name in _MODELS if (here / name).exists()))
    parser.add_argument("--tolerance", type=float, help="the greatest difference; parity.json has one")
    parity = json.loads((here / "parity.json").read_text("utf-8"))
    parser.set_defaults(tolerance=parity["tolerance"])
    given = parser.parse_args()
    model = json.loads((here / "model.json").read_text("utf-8"))
    session = onnxruntime.InferenceSession(str(given.model), providers=["CPUExecutionProvider"])
    compare = _tensors if parity["task"] == "tensors" else _rows
    return compare(session, parity, model, given.tolerance)


def _rows(session: Any, parity: dict[str, Any], model: dict[str, Any], tolerance: float) -> int:
    inputs = {"N": _numbers(parity["N"]), "C": np.array(parity["C"], np.int64)}
    wanted = _numbers(parity["P"])
    got = session.run(["P"], {each.name: inputs[each.name] for each in session.get_inputs()})[0]
    apart = _apart(wanted, got, relative=parity["difference"] == "relative").max(axis=1, initial=0.0)
    labels = [_decisions(answers, model.get("threshold", 0.5)) for answers in (wanted, got)]
    flipped = int((labels[0] != labels[1]).sum())
    worst = int(apart.argmax())
    print(f"{len(apart)} rows: the greatest difference is {apart.max():.3g}, {flipped} decisions differ")  # noqa: T201
    if apart.max() <= tolerance and not flipped:
        return 0
    print(f"row {worst}: {parity['rows'][worst]} was {wanted[worst].tolist()}, is {got[worst].tolist()}")  # noqa: T201
    return 1


def _tensors(session: Any, parity: dict[str, Any], _model: dict[str, Any], tolerance: float) -> int:
    greatest, where = 0.0, ""
    for number, case in enumerate(parity["cases"]):
        names = list(case["outputs"])
        answers = session.run(names, {name: _array(told) for name, told in case["inputs"].items()})
        for name, got in zip(names, answers, strict=True):
            apart = _tensor_apart(_array(case["outputs"][name]), got)
            if apart > greatest:
                greatest, where = apart, f"; the worst is the output {name!r} of case {number}"
    print(f"{len(parity['cases'])} cases: the greatest difference is {greatest:.3g}{where}")  # noqa: T201
    return int(greatest > tolerance)


def _tensor_apart(wanted: npt.NDArray[Any], got: npt.NDArray[Any]) -> float:
    if wanted.shape != np.shape(got):
        return float("inf")
    if wanted.dtype.kind in "fiu":
        return float(_apart(wanted.astype(np.float64), np.asarray(got, np.float64), relative=True).max(initial=0.0))
    return 0.0 if (wanted == np.asarray(got, wanted.dtype)).all() else float("inf")


def _apart(wanted: npt.NDArray[np.float64], got: npt.NDArray[np.float64], *, relative: bool) -> npt.NDArray[np.float64]:
    with np.errstate(all="ignore"):
        apart = np.abs(wanted - got)
        if relative:
            apart = apart / np.maximum(1.0, np.abs(wanted))
    same = (wanted == got) | (np.isnan(wanted) & np.isnan(got))
    return np.where(same, 0.0, np.where(np.isfinite(apart), apart, np.inf))


def _decisions(answers: npt.NDArray[np.float64], threshold: float) -> npt.NDArray[np.int64]:
    if answers.shape[1] == _CLASSES_OF_A_THRESHOLD:
        return (answers[:, 1] > threshold).astype(np.int64)
    best: npt.NDArray[np.int64] = answers.argmax(axis=1).astype(np.int64)
    return best


def _numbers(rows: list[list[Any]]) -> npt.NDArray[np.float64]:
    return np.array([[np.nan if value is None else float(value) for value in row] for row in rows], np.float64)


def _array(told: dict[str, Any]) -> npt.NDArray[Any]:
    if told["dtype"] == "string":
        return np.array(told["data"], dtype=object).reshape(told["shape"])
    if told["dtype"].startswith("float"):
        return _numbers([told["data"]]).astype(told["dtype"]).reshape(told["shape"])
    return np.array(told["data"], told["dtype"]).reshape(told["shape"])


if __name__ == "__main__":
    sys.exit(main())
