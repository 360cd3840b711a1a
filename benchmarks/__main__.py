"""``python -m benchmarks [NAME ...]``: run measurements one by one; each writes benchmarks/results/NAME.json."""

import sys
from collections.abc import Callable

from benchmarks import big_table, cold_start, imports, serving, up_overhead
from benchmarks.result import write

MEASUREMENTS: dict[str, Callable[[], dict[str, object]]] = {
    "imports": imports.measure,
    "cold_start": cold_start.measure,
    "serving": serving.measure,
    "up_overhead": up_overhead.measure,
    "big_table": big_table.measure,
}


def main(names: list[str]) -> None:
    """Measure what is named, or everything."""
    for name in names or MEASUREMENTS:
        print(f"{name} ...", flush=True)
        print(write(name, MEASUREMENTS[name]()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
