"""A supervisor and its worker with two models, for clients of others to call; and the answers they are to get.

``iris`` has numbers in and text labels out; ``priced`` has every kind of field, some of which may be missing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from priced import keep, road_of, values

from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import RunningSupervisor, start_supervisor, stop
from golive.control.running.run_files import RunFolder
from golive.domain.bundle import Bundle, Manifest
from golive.domain.preparation import Preparation
from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.domain.signature import Field, Signature
from golive.store.bundles import BundleStore

AT = "2026-01-01T00:00:00+00:00"
FIELDS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
CLASSES = ("setosa", "versicolor", "virginica")
WEIGHTS = np.array([[0.5, 0.1, -0.6], [1.0, -0.2, -0.8], [-2.0, 0.3, 1.7], [-1.0, -0.7, 1.7]])
INTERCEPT = np.array([2.0, 1.0, -3.0])
FLOWERS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5]]
HOUSES = [
    {"area": 120.5, "rooms": 4, "sold": "2011-07-25", "hood": "north", "garden": True},
    {"area": 80.0, "rooms": 2, "sold": "2009-01-02", "hood": "söder", "garden": False},
]


class ClientServer:
    """A running server.

    Args:
        state: an empty folder.
        names: of the models it serves.
        changes: fields of its order.
    """

    def __init__(self, state: Path, names: Sequence[str] = ("iris", "priced"), **changes) -> None:
        self.state, self._names = state, names
        self._bundles = [_iris(state / "store"), keep(state / "store", task="classification")]
        self._roads = {bundle.name: road_of(bundle, files) for bundle, files in self._bundles}
        self._changes = changes
        self.running: RunningSupervisor

    def __enter__(self) -> Self:
        bundles = [bundle for bundle, _ in self._bundles if bundle.name in self._names]
        placed = tuple(Placed(bundle.name, 1, bundle.digest) for bundle in bundles)
        order = SupervisorOrder(
            state=str(self.state),
            port=0,
            admin_port=0,
            grpc_port=0,
            workers=1,
            ledger=False,
            placed=placed,
            traffic=tuple(Route(each.name, (Share(1, 1.0),)) for each in placed),
            drain_s=2.0,
            **self._changes,
        )
        log = self.state / "run" / "supervisor.log"
        self.running = start_supervisor(order, detach=True, log=log, timeout_s=60)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self.state, timeout_s=20)

    @property
    def address(self) -> str:
        """Host and port of HTTP."""
        return self.running.url.partition("//")[2]

    @property
    def grpc(self) -> str:
        """Host and port of gRPC."""
        return RunFolder(self.state).read().grpc

    @property
    def port(self) -> int:
        """Of HTTP."""
        return int(self.address.rpartition(":")[2])

    def flowers(self, rows: list[list[float]] = FLOWERS) -> tuple[list[str], np.ndarray]:
        """Give the labels and probabilities of flowers, computed here."""
        scores = self._roads["iris"].rows(rows)
        return [CLASSES[best] for best in scores.argmax(axis=1)], scores

    def houses(self, rows: list[dict]) -> tuple[list[str], np.ndarray]:
        """Give the labels and probabilities of houses, computed here; fields that are left out are missing."""
        scores = self._roads["priced"].rows(values(rows))
        return [("no", "yes")[best] for best in scores.argmax(axis=1)], scores

    @property
    def given(self) -> dict:
        """What every program of a client is told."""
        addresses = {"address": self.address, "url": self.running.url, "grpc": self.grpc}
        return {"flowers": FLOWERS, "houses": HOUSES, **addresses}


def _iris(store: Path) -> tuple[Bundle, dict[str, bytes]]:
    made = helper.make_graph(
        [
            helper.make_node("MatMul", ["N", "W"], ["n"]),
            helper.make_node("Add", ["n", "b"], ["z"]),
            helper.make_node("Softmax", ["z"], ["P"], axis=1),
        ],
        "iris",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, 4])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 3])],
        [numpy_helper.from_array(WEIGHTS, "W"), numpy_helper.from_array(INTERCEPT, "b")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    signature = Signature(
        inputs=tuple(Field(name=name, dtype="float64", minimum=0.1, maximum=8.0) for name in FIELDS),
        task="classification",
        target="species",
        classes=CLASSES,
    )
    files = {"model.onnx": model.SerializeToString()}
    manifest = Manifest(name="iris", signature=signature, preparation=Preparation(numbers=FIELDS))
    return BundleStore(store).write(manifest, files, created_at=AT), files
