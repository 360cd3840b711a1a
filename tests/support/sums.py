"""Bundles whose graph is small enough to be written down: a factor times the sum of two numbers."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from golive.domain.bundle import Manifest
from golive.domain.digest import Digest
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.store.bundles import BundleStore

AT = "2026-01-01T00:00:00Z"


def sums_graph(factor: float, table_rows: int = 0) -> bytes:
    """P = factor * (first + second), and as big as a table of so many zeros that no optimizer can leave out."""
    constants = {"W": np.full((2, 1), factor)}
    nodes = [helper.make_node("MatMul", ["N", "W"], ["S" if table_rows else "P"])]
    if table_rows:
        constants |= {"first": np.array([0]), "table": np.zeros(table_rows)}
        nodes += [
            helper.make_node("Gather", ["N", "first"], ["X"], axis=1),
            helper.make_node("Cast", ["X"], ["I"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "I"], ["T"], axis=0),
            helper.make_node("Add", ["S", "T"], ["P"]),
        ]
    body = helper.make_graph(
        nodes,
        "sums",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, 2])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()


def keep_numbers(state: Path, name: str, content: bytes, examples: dict[str, float], target: str = "y") -> Digest:
    """Write a bundle around a graph of number fields; ``examples`` are the fields, in order, with their examples."""
    inputs = tuple(Field(name=field, dtype="float64", example=example) for field, example in examples.items())
    signature = Signature(inputs=inputs, task="regression", target=target)
    manifest = Manifest(name=name, signature=signature, preparation=Preparation(numbers=tuple(examples)))
    return BundleStore(state / "store").write(manifest, {"model.onnx": content}, created_at=AT).digest
