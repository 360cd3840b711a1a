"""The tables of docs/performance.md, written from the result files so that no figure is typed by hand."""

import json
from collections.abc import Callable
from typing import Any

from benchmarks.result import FOLDER

PAGE = FOLDER.parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"

Result = dict[str, Any]


def write_page() -> None:
    """Put the figures of every result file that is there into the page."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
    parts = [_DESCRIBE[name](found[name]) for name in _DESCRIBE if name in found]
    PAGE.write_text(f"{before}{BEGIN}\n{''.join(parts)}{END}{after}", "utf-8")


def _starts(result: Result) -> str:
    took = result["first_answer_s"]
    return _section(
        "First answer",
        result,
        f"`golive serve` to the first prediction, {took['runs']} starts: median **{took['median']} s**, best "
        f"{took['min']} s, worst {took['max']} s (target: under {result['target_s']:g} s). Memory of command line, "
        f"supervisor and one worker: {result['process_tree_mib']['median']:.0f} MiB; with the recording process "
        f"{result['process_tree_with_recording_mib']['median']:.0f} MiB (shared pages counted in each).",
    )


def _imports(result: Result) -> str:
    return _section(
        "`import golive`",
        result,
        f"adds **{result['extra_ms']} ms** to a bare interpreter (target: under {result['target_ms']} ms).",
    )


def _serving(result: Result) -> str:
    if "servers" not in result:
        return ""
    over = result["golive_replies_per_cpu_second_over"]
    rows = "".join(
        f"| {title} | {one['replies_per_cpu_s']:,.0f} | {over.get(title, '')} | {one['replies_per_s']:,.0f} "
        f"| {one['p50_ms']} | {one['p99_ms']} | {one['process_tree_mib']:.0f} |\n"
        for title, one in result["servers"].items()
    )
    peers = ", ".join(f"{name} {version}" for name, version in result["peers"].items())
    return _section(
        "Serving",
        result,
        f"{result['setting']}; peers: {peers}.\n\n"
        "| server | replies per CPU-second | golive is x times | replies per second | p50 ms | p99 ms | MiB |\n"
        f"| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n{rows}\n{result['note']}.",
    )


def _up(result: Result) -> str:
    mine, direct = result["golive_up_s"], result["scikit_learn_by_hand_s"]
    return _section(
        "`golive up` beside scikit-learn by hand",
        result,
        f"`golive up --no-serve examples/house_prices` takes **{mine['median']} s**, the same search by hand "
        f"{direct['median']} s (medians of {mine['runs']}; ratio {result['median_ratio']}; allowed: "
        f"{result['allowed_s']} s, which is 1.3 times plus 5 s). {result['note'].capitalize()}.",
    )


def _table(result: Result) -> str:
    return _section(
        "A big table",
        result,
        f"{result['rows']:,} rows of {result['columns']} columns ({result['csv_mb']} MB of CSV) through cleaning, "
        f"cross-validation and fit of a linear model: {result['seconds']} s, peak **"
        f"{result['peak_mib_of_all_processes']:,} MiB** over all processes together (target: under "
        f"{result['target_mib']:,} MiB).",
    )


_DESCRIBE: dict[str, Callable[[Result], str]] = {
    "cold_start": _starts,
    "imports": _imports,
    "serving": _serving,
    "up_overhead": _up,
    "big_table": _table,
}


def _section(title: str, result: Result, text: str) -> str:
    machine = result["machine"]
    busy = machine.get("load_average_at_the_end")
    others = f", load average {busy[0]} at the end" if busy else ""
    others += f", niceness {machine['niceness']}" if machine.get("niceness") else ""
    setting = (
        f"{result['at']}; {machine['cores']} cores {machine['cpu']}, {machine['memory_gib']} GiB{others}; "
        f"Python {machine['python']}; " + ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    )
    return f"### {title}\n\n{text}\n\n<small>{setting}</small>\n\n"
