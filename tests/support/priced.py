"""A small real bundle with every kind of field: numbers with gaps, a date, categories (one is a number), a bool."""

from pathlib import Path
from typing import Literal

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Bundle, Manifest
from golive.domain.preparation import DateParts, Preparation, Vocabulary
from golive.domain.signature import Field, Signature
from golive.inference.road import Road, open_road
from golive.store.bundles import BundleStore

AT = "2026-01-01T00:00:00+00:00"
ROWS = [
    {"area": 120.5, "rooms": 4, "sold": "2011-07-25", "hood": "north", "garden": True},
    {"area": 80.0, "rooms": None, "sold": "2009-01-02T13:00:00", "hood": "Atlantis", "garden": False},
    {"area": 61.25, "rooms": 2, "sold": "2010-12-31", "hood": None, "garden": None},
    {"area": 1e-3, "rooms": 1, "sold": "2024-02-29", "hood": "20", "garden": True},
]
INPUTS = (
    Field(name="area", dtype="float64", example=100.0),
    Field(name="rooms", dtype="int64", nullable=True, example=3),
    Field(name="sold", dtype="string", format="date", example="2010-05-01"),
    Field(name="hood", dtype="string", nullable=True, categories=("north", "20"), example="north"),
    Field(name="garden", dtype="bool", nullable=True, example=True),
)


def graph(*, task: Literal["regression", "classification"], note: str = "") -> bytes:
    """P = filled(N) @ W + table[C], through a sigmoid for two classes; a note makes it as big as one likes."""
    constants = {
        "fill": np.array([[0.0, 3.0, 2010.0, 0.5]]),
        "W": np.array([[0.01], [0.3], [-0.001], [0.25]]),
        "table": np.array([1.0, 2.0, 0.5, 0.125]),
        "one": np.array([[1.0]]),
    }
    nodes = [
        helper.make_node("IsNaN", ["N"], ["gaps"]),
        helper.make_node("Where", ["gaps", "fill", "N"], ["full"]),
        helper.make_node("MatMul", ["full", "W"], ["sum"]),
        helper.make_node("Gather", ["table", "C"], ["hood"]),
        helper.make_node("Add", ["sum", "hood"], ["score" if task == "classification" else "P"]),
    ]
    if task == "classification":
        nodes += [
            helper.make_node("Sigmoid", ["score"], ["yes"]),
            helper.make_node("Sub", ["one", "yes"], ["no"]),
            helper.make_node("Concat", ["no", "yes"], ["P"], axis=1),
        ]
    made = helper.make_graph(
        nodes,
        "priced",
        [
            helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, 4]),
            helper.make_tensor_value_info("C", TensorProto.INT64, [None, 1]),
        ],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 2 if task == "classification" else 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10, doc_string=note)
    return model.SerializeToString()


def keep(
    store: Path,
    *,
    name: str = "priced",
    task: Literal["regression", "classification"] = "regression",
    note: str = "",
) -> tuple[Bundle, dict[str, bytes]]:
    """Write the bundle into a store, and give it with its files."""
    signature = Signature(
        inputs=INPUTS,
        task=task,
        target="price" if task == "regression" else "sells",
        classes=() if task == "regression" else ("no", "yes"),
    )
    preparation = Preparation(
        steps=(DateParts(column="sold", parts=("year",)),),
        numbers=("area", "rooms", "sold_year", "garden"),
        categories=(Vocabulary("hood", ("north", "20")),),
    )
    manifest = Manifest(name=name, signature=signature, preparation=preparation)
    files = {"model.onnx": graph(task=task, note=note)}
    return BundleStore(store).write(manifest, files, created_at=AT), files


def road_of(bundle: Bundle, files: dict[str, bytes]) -> Road:
    """Open the bundle in this process."""
    return open_road(bundle.manifest, files[bundle.manifest.graph], OnnxRuntime())


def values(rows: list[dict]) -> list[list]:
    """Give rows as the road takes them."""
    return [[row.get(field.name) for field in INPUTS] for row in rows]
