"""Cold start: from ``golive serve`` to the first answer of a small model, and the memory of one worker."""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.iris import package_iris
from benchmarks.process import Server, free_port, tree_mib
from benchmarks.result import spread

RUNS = 9


def measure() -> dict[str, object]:
    """Package iris once, then start a server with one worker again and again."""
    with tempfile.TemporaryDirectory() as name:
        package_iris(Path(name))
        _start(Path(name))  # once untimed: byte code is compiled, files are in the page cache
        starts, memory, everything = zip(*(_start(Path(name)) for _ in range(RUNS)), strict=True)
    return {
        "first_answer_s": spread(starts),
        "target_s": 1.0,
        "within": sorted(starts)[RUNS // 2] < 1.0,
        "process_tree_mib": spread(memory, 0),
        "process_tree_with_recording_mib": spread(everything, 0),
        "note": "command line, supervisor and one worker together, then the recording process too; "
        "pages that processes share are counted in each",
    }


def _start(home: Path) -> tuple[float, float, float]:
    port = free_port()
    command = [sys.executable, "-m", "golive", "serve", "iris", "--port", str(port), "--admin-port", "0"]
    started = time.perf_counter()
    with Server([*command, "--workers", "1"], home, port, {"GOLIVE_HOME": str(home)}) as server:
        server.wait_for_answer()
        seconds = time.perf_counter() - started
        memory = tree_mib(server.pid)
        time.sleep(2)  # the recording process loads its libraries after the first answer
        return seconds, memory, tree_mib(server.pid)
