"""``python -m benchmarks [NAME ...]``: run measurements one by one; each writes benchmarks/results/NAME.json.

Then the tables of docs/performance.md are written anew; ``python -m benchmarks page`` does only that.
``python -m benchmarks peers [--quick] [SERVER ...]`` compares golive with other servers: it takes half an hour and
gigabytes of disk, so it is not among those that run without being named. With ``--quick`` or with named servers it
writes to benchmarks/.peers, and the page stays as it is.
"""

import sys
from collections.abc import Callable

from benchmarks import (
    big_table,
    cold_start,
    coverage,
    evidence,
    explain,
    imports,
    memory_cycles,
    offline,
    pieces,
    planted,
    serving,
    swap,
    up_overhead,
)
from benchmarks.page import write_page
from benchmarks.result import write

MEASUREMENTS: dict[str, Callable[[], dict[str, object]]] = {
    "imports": imports.measure,
    "cold_start": cold_start.measure,
    "up_overhead": up_overhead.measure,
    "big_table": big_table.measure,
    "pieces": pieces.measure,
    "offline": offline.measure,
    "swap": swap.measure,
    "explain": explain.measure,
    "evidence": evidence.measure,
}
LONG: dict[str, Callable[[], dict[str, object]]] = {
    "memory_cycles": memory_cycles.measure,
    "coverage": coverage.measure,
    "planted": planted.measure,
}
"""Measurements of more than ten minutes, which run when they are named."""


def main(names: list[str]) -> None:
    """Measure what is named, or everything but the peers."""
    if names[:1] == ["peers"]:
        serving.main(names[1:])
        names = ["page"]
    for name in [name for name in names if name != "page"] if names else MEASUREMENTS:
        print(f"{name} ...", flush=True)
        print(write(name, (MEASUREMENTS | LONG)[name]()), flush=True)
    write_page()


if __name__ == "__main__":
    main(sys.argv[1:])
