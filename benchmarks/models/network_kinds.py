"""Networks of PyTorch and Keras: objects, and files of every kind that their libraries write."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

import golive
from benchmarks.models.data import Table
from benchmarks.models.trial import Kind, Made, Make, kind

SHAPE = (1, 8, 8)
DECLARED = {"gives": "logits", "classes": list(range(10)), "shape": list(SHAPE)}
SCALE, SHIFT = 70.0, 150.0


def torch_kinds() -> list[Kind]:
    """Give the kinds of PyTorch."""
    return [
        kind("PyTorch", "module, convolutional, scaler before it", "digits", _module),
        kind("PyTorch", "module in float64, scaled target", "diabetes", _module_of_values),
        kind("PyTorch", "TorchScript file (.pt)", "digits", _script),
        kind("PyTorch", "torch.export file (.pt2)", "digits", _exported(sample=True)),
        kind("PyTorch", "torch.export file, without a declaration", "digits", _exported(sample=False)),
        kind("PyTorch", "torch.save of a module (.pth)", "digits", _pickled),
        kind("PyTorch", "torch.save of weights", "digits", _weights),
    ]


def keras_kinds() -> list[Kind]:
    """Give the kinds of Keras, on its torch backend."""
    return [
        kind("Keras", "Sequential", "diabetes", _sequential),
        kind("Keras", ".keras file", "diabetes", _keras_file("keras")),
        kind("Keras", ".h5 file", "diabetes", _keras_file("h5")),
    ]


def _network() -> Any:
    torch = importlib.import_module("torch")
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10)).eval()


def _labels_of(module: Any, scaler: Any = None) -> Callable[[Any], Any]:
    torch = importlib.import_module("torch")

    def labels(rows: Any) -> Any:
        values = rows.to_numpy() if scaler is None else scaler.transform(rows)
        with torch.inference_mode():
            return module(torch.tensor(np.asarray(values, np.float32)).reshape(-1, *SHAPE)).argmax(1).numpy()

    return labels


def _module(given: Table, _: Path) -> Made:
    module, scaler = _network(), MaxAbsScaler().fit(given.rows)
    model = golive.network(module, gives="logits", classes=range(10), shape=SHAPE, before=scaler)
    return Made(model=model, predict=_labels_of(module, scaler))


def _module_of_values(given: Table, _: Path) -> Made:
    torch = importlib.import_module("torch")
    torch.manual_seed(0)
    scaler = StandardScaler().fit(given.rows)
    module = torch.nn.Sequential(torch.nn.Linear(10, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)).double().eval()

    def numbers(rows: Any) -> Any:
        with torch.inference_mode():
            return module(torch.tensor(scaler.transform(rows))).numpy()[:, 0] * SCALE + SHIFT

    model = golive.network(module, gives="values", before=scaler, scale=SCALE, shift=SHIFT)
    return Made(model=model, predict=numbers)


def _script(_: Table, folder: Path) -> Made:
    torch, module = importlib.import_module("torch"), _network()
    torch.jit.save(torch.jit.trace(module, torch.zeros(3, *SHAPE)), folder / "net.pt")
    (folder / "net.pt.golive.json").write_text(json.dumps(DECLARED), "utf-8")
    return Made(path=folder / "net.pt", predict=_labels_of(module))


def _exported(*, sample: bool) -> Make:
    def made(_: Table, folder: Path) -> Made:
        torch, module = importlib.import_module("torch"), _network()
        free = ({0: torch.export.Dim.DYNAMIC},)
        program = torch.export.export(module, (torch.zeros(3, *SHAPE),), dynamic_shapes=free)
        torch.export.save(program, folder / "net.pt2")
        if sample:
            (folder / "net.pt2.golive.json").write_text(json.dumps(DECLARED), "utf-8")
        return Made(path=folder / "net.pt2", predict=_labels_of(module), sample=sample)

    return made


def _pickled(_: Table, folder: Path) -> Made:
    module = _network()
    importlib.import_module("torch").save(module, folder / "net.pth")
    return Made(path=folder / "net.pth", predict=_labels_of(module))


def _weights(_: Table, folder: Path) -> Made:
    module = _network()
    importlib.import_module("torch").save(module.state_dict(), folder / "weights.pt")
    return Made(path=folder / "weights.pt", predict=_labels_of(module))


def _dense() -> Any:
    keras = importlib.import_module("keras")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((10,)), layers.Dense(32, "relu"), layers.BatchNormalization(), layers.Dense(1)]
    )


def _numbers_of(model: Any) -> Callable[[Any], Any]:
    return lambda rows: np.asarray(model.predict(rows.to_numpy(np.float32), verbose=0))[:, 0]


def _sequential(_: Table, __: Path) -> Made:
    model = _dense()
    return Made(model=golive.network(model, gives="values"), predict=_numbers_of(model))


def _keras_file(suffix: str) -> Make:
    def made(_: Table, folder: Path) -> Made:
        model = _dense()
        model.save(folder / f"net.{suffix}")
        (folder / f"net.{suffix}.golive.json").write_text(json.dumps({"gives": "values"}), "utf-8")
        return Made(path=folder / f"net.{suffix}", predict=_numbers_of(model))

    return made
