"""Real servers to be hurt: a model whose runs take as long as its rows say, and what one does to processes."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from sums import keep_numbers

from golive import plugins
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import RunningSupervisor, start_supervisor, stop
from golive.control.running.run_files import RunFolder
from golive.domain.digest import Digest
from golive.domain.release import Share
from golive.domain.serving import Placed, Route, TrafficTable

NAME = "sums"
PATH = f"/predict/{NAME}"
PINNED = f"/v1/models/{NAME}:predict"
INLINE, LOOP, THREAD = 0, 700, 8000
"""Steps of every run by which a model is run in the event loop, batched in it, or batched in a thread."""
FOREVER = 10**13
"""So many steps are not done in a lifetime of a test."""


def graph(factor: float, steps: int = 0) -> bytes:
    """P = factor * (a + b), after ``steps`` and, for each row, ``c`` steps of work that change nothing."""
    half = numpy_helper.from_array(np.array([0.5]), "half")
    turn = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["still"]), helper.make_node("Mul", ["less", "half"], ["lesser"])],
        "turn",
        [
            helper.make_tensor_value_info("turn_number", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("less", TensorProto.DOUBLE, [1]),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("lesser", TensorProto.DOUBLE, [1]),
        ],
        [half],
    )
    constants = {
        "W": np.array([[factor], [factor], [0.0]]),
        "third": np.array([2]),
        "steps": np.array(steps),
        "true": np.array(True),
        "nothing": np.array([0.0]),
    }
    nodes = [
        helper.make_node("MatMul", ["N", "W"], ["sum"]),
        helper.make_node("Gather", ["N", "third"], ["asked"], axis=1),
        helper.make_node("ReduceSum", ["asked"], ["all"], keepdims=0),
        helper.make_node("Cast", ["all"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Add", ["whole", "steps"], ["count"]),
        helper.make_node("Loop", ["count", "true", "nothing"], ["least"], body=turn),
        helper.make_node("Add", ["sum", "least"], ["P"]),
    ]
    made = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, [None, 3])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return model.SerializeToString()


def keep(state: Path, content: bytes) -> Digest:
    """Write a bundle around a graph."""
    return keep_numbers(state, NAME, content, dict.fromkeys("abc", 0.0))


def body(a: float, b: float = 0.0, steps: int = 0, rows: int = 1) -> bytes:
    """Write what is asked on ``PATH``."""
    row = f"[{float(a)},{float(b)},{float(steps)}]"
    return ('{"features":[' + ",".join([row] * rows) + "]}").encode()


def right(a: float, b: float, version: int) -> bytes:
    """Write the one right answer of a version whose factor is its number."""
    return (
        f'{{"predictions":[{version * (a + b)!r}],"probabilities":null,'
        f'"model_name":"{NAME}","model_version":"{version}"}}'
    ).encode()


def all_to(version: int) -> TrafficTable:
    return (Route(NAME, (Share(version, 1.0),)),)


class Place:
    """A state folder whose versions answer their number times (a + b).

    Args:
        state: the folder.
        versions: how many there are.
        steps: of work in every run of each.
    """

    def __init__(self, state: Path, *, versions: int = 1, steps: int = 0) -> None:
        self.state = state
        self.digests = {number: keep(state, graph(float(number), steps)) for number in range(1, versions + 1)}
        self.target = plugins.load("targets", "local").at(state)

    def placed(self, *versions: int) -> tuple[Placed, ...]:
        return tuple(Placed(NAME, version, self.digests[version]) for version in versions)

    def start(self, **changes) -> RunningSupervisor:
        parts = {
            "state": str(self.state),
            "port": 0,
            "admin_port": 0,
            "workers": 2,
            "ledger": False,
            "placed": self.placed(1),
            "traffic": all_to(1),
            "sample": 0.0,
            "drain_s": 3.0,
            "probe_every_s": 0.3,
            "probe_limit_s": 1.5,
        }
        order = SupervisorOrder(**(parts | changes))
        return start_supervisor(order, detach=True, log=self.state / "run" / "supervisor.log", timeout_s=60)

    def admin(self) -> str:
        return RunFolder(self.state).read().admin

    @property
    def log(self) -> str:
        return (self.state / "run" / "supervisor.log").read_text()

    def end(self) -> None:
        for pid in self.stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        stop(self.state, timeout_s=30)

    stopped: tuple[int, ...] = ()

    def freeze(self, pid: int) -> None:
        """Take a process all its time; it is given it back at the end."""
        self.stopped = (*self.stopped, pid)
        os.kill(pid, signal.SIGSTOP)


def port_of(supervisor: RunningSupervisor) -> int:
    return int(supervisor.url.rpartition(":")[2])


def workers(pid: int) -> list[int]:
    """The worker processes of a supervisor: forks of its zygote."""
    zygote = "golive.control.running.zygote"
    return [child for parent in children(pid, zygote) for child in children(parent, zygote)]


def children(pid: int, module: str) -> list[int]:
    """The processes of a parent that run a module."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if module in _command(child)]


def memory_mb(pid: int) -> float:
    """What a process holds for itself alone."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))) / 1024


def eventually(holds: Callable[[], bool], limit_s: float = 20.0) -> bool:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


def _command(pid: int) -> str:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""
