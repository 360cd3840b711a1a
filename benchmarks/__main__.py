"""``python -m benchmarks [NAME ...]``: run measurements one by one; each writes benchmarks/results/NAME.json.

Then the tables of docs/performance.md are written anew; ``python -m benchmarks page`` does only that.
"""

import sys
from collections.abc import Callable

from benchmarks import big_table, cold_start, imports, serving, up_overhead
from benchmarks.page import write_page
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
    for name in [name for name in names if name != "page"] if names else MEASUREMENTS:
        print(f"{name} ...", flush=True)
        print(write(name, MEASUREMENTS[name]()), flush=True)
    write_page()


if __name__ == "__main__":
    main(sys.argv[1:])
