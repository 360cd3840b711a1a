"""Worker: one process of a run. ``python -m golive.control.predict.worker``.

Reads an order and then tasks as JSON lines from standard input, writes what became of each to standard output, and
ends when its input ends: so it never outlives the run by more than a slice.
"""

import os
import signal
import sys

import msgspec
import pyarrow as pa

from golive.control.predict.order import Order, Task
from golive.control.predict.scorer import Scorer


def main() -> None:
    """Score tasks until there are no more."""
    # Ctrl-C reaches the whole group; the run itself says when its processes end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a library prints must not pass for an answer.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        # The run has a process for each core.
        pa.set_cpu_count(1)
        lines = iter(sys.stdin.buffer.readline, b"")
        order = next(lines, None)
        if order is None:
            return
        scorer = Scorer(msgspec.json.decode(order, type=Order))
        for line in lines:
            done = scorer.score(msgspec.json.decode(line, type=Task))
            try:
                answers.write(msgspec.json.encode(done) + b"\n")
                answers.flush()
            except BrokenPipeError:
                return


if __name__ == "__main__":
    main()
