"""Whole processes: their time, and the memory of all their children together."""

import subprocess
import threading
import time
from pathlib import Path

PAGE_KIB = 4


def run(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command to its end: (wall seconds, greatest resident memory of the whole process tree in MiB)."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak), daemon=True)
    watcher.start()
    _, said = process.communicate()
    seconds = time.perf_counter() - started
    watcher.join()
    if process.returncode:
        raise RuntimeError(said)
    return seconds, peak[0]


def _watch(process: subprocess.Popen[str], peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], tree_mib(process.pid))
        time.sleep(0.05)


def tree_mib(pid: int) -> float:
    """Sum the resident memory of a process and all its descendants, shared pages counted once for each."""
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        try:
            total += int(Path(f"/proc/{one}/statm").read_text("ascii").split()[1]) * PAGE_KIB
            waiting += [
                int(child)
                for task in Path(f"/proc/{one}/task").iterdir()
                for child in (task / "children").read_text("ascii").split()
            ]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / 1024
