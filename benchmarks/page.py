"""The tables of docs/performance.md, written from the result files so that no figure is typed by hand."""

import json
from collections.abc import Callable
from typing import Any

from benchmarks.result import FOLDER

PAGE = FOLDER.parents[1] / "docs" / "performance.md"
SHORT = 300
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


def _peers(result: Result) -> str:
    if "settings" not in result:
        return ""
    versions = "; ".join(
        f"{name}: {', '.join(f'{library} {version}' for library, version in libraries.items())}"
        for name, libraries in result["peers"].items()
    )
    tables = "".join(_field(one) for one in result["settings"].values()) + "".join(map(_overload, result["overload"]))
    text = (
        "![Replies per CPU-second of golive and other model servers](images/peers.svg)\n\n"
        f"{result['note']}.\n\n{tables}<small>{versions}</small>"
    )
    return _section("Serving, beside others", result, text)


def _field(setting: Result) -> str:
    """Write the table of one setting: a row for each server and number of connections, and why others are missing."""
    ours = setting["servers"].get("golive", {}).get("loads", {})
    rows = "".join(
        f"| {title} | {connections} | {load['replies_per_cpu_s']:,} | {_times(ours.get(connections), load)} "
        f"| {load['replies_per_s']:,} | {load['p50_ms']} | {load['p99_ms']} | {load['failed']} "
        f"| {one.get('memory_mib', '')} | {one.get('cold_start_s', '')} |\n"
        for title, one in setting["servers"].items()
        for connections, load in one["loads"].items()
    )
    alone = setting.get("graph_alone_us")
    cost = (
        f" The graph alone, on one thread: {', '.join(f'{took} µs for {count} rows' for count, took in alone.items())}."
        if alone
        else ""
    )
    return (
        f"**{setting['title']}.**{cost}\n\n"
        "| server | connections | replies per CPU-second | golive is x times | replies per second | p50 ms | p99 ms "
        "| failed | MiB | cold start s |\n"
        f"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{rows}{_missing(setting)}\n"
    )


def _overload(flood: Result) -> str:
    rows = "".join(
        f"| {title} | {one['peak_per_s']:,} | {one['offered_per_s']:,} | {one['good_per_s']:,} "
        f"| {100 * one['goodput_of_peak']:.0f} % | {one['refused_per_s']:,} |\n"
        for title, one in flood["servers"].items()
    )
    return (
        f"**{flood['title']}.** Good: a 2xx reply within a second of the intended start.\n\n"
        "| server | peak per second | offered per second | good per second | of the peak | refused per second |\n"
        f"| --- | ---: | ---: | ---: | ---: | ---: |\n{rows}{_missing(flood)}\n"
    )


def _missing(setting: Result) -> str:
    return "".join(f"\n{title} is missing: it {_short(reason)}\n" for title, reason in setting["failed"].items())


def _short(reason: str) -> str:
    words = " ".join(reason.split())
    return words if len(words) <= SHORT else f"{words[:60]} … {words[60 - SHORT :]}"


def _times(ours: Result | None, theirs: Result) -> str:
    if ours is None or ours is theirs:
        return ""
    return f"{ours['replies_per_cpu_s'] / theirs['replies_per_cpu_s']:.3g}"


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


def _cycles(result: Result) -> str:
    parts = ", ".join(
        f"{part} {before} -> {result['after_mib'][part]} MiB ({result['growth'][part]:+.1%})"
        for part, before in result["before_mib"].items()
    )
    return _section(
        "Loading and unloading again and again",
        result,
        f"{result['cycles']:,} times unloaded and loaded a model of 24 MB under a memory budget, "
        f"{result['seconds_per_cycle']} s each: {parts} (target: within {result['target']:.0%}).",
    )


def _swap(result: Result) -> str:
    swaps, broken, killed = result["swaps"], result["versions_that_do_not_load"], result["killed_worker"]
    return _section(
        "Swapping versions under full load",
        result,
        f"{swaps['count']} swaps in {swaps['requests']:,} requests over {result['connections']} connections, "
        f"{result['workers']} workers, load generator on the same cores: **{swaps['failed']} failed**; p99 "
        f"{swaps['steady']['p99_ms']} ms steady, {swaps['during_swaps']['p99_ms']} ms during swaps (ratio "
        f"{swaps['p99_ratio']}). Versions that do not load, {broken['tries']} times: {broken['failed']} of "
        f"{broken['requests']:,} requests failed. A worker killed in the middle: {killed['failed']} of "
        f"{killed['requests']:,} failed, replaced after {killed['replaced_after_s']} s.",
    )


def _explain(result: Result) -> str:
    one, changed, beside = result["explain"], result["with_counterfactual"], result["predict_beside"]
    ratio = beside["median_ratio"]
    return _section(
        "Explaining",
        result,
        f"{result['model']}, {result['method']} method, one row a request: p50 {one['p50_ms']} ms, p99 "
        f"**{one['p99_ms']} ms** (target: under {result['target_p99_ms']:g} ms); with a counterfactual p50 "
        f"{changed['p50_ms']} ms, p99 {changed['p99_ms']} ms; the first one, which starts the process, "
        f"{result['first_ms']} ms. Predictions over one connection while another process asks for explanations without "
        f"a pause, beside the same without: p50 {ratio['p50']} times, p99 {ratio['p99']} times as long (medians of "
        f"{beside['turns']} pairs of turns; callers, worker and explanations share the cores).",
    )


def _pieces(result: Result) -> str:
    request, tensors, batches = result["request"], result["tensors"], result["batches"]
    rows = batches["rows_per_s"]
    return _section(
        "The pieces of a request",
        result,
        f"One row of iris as JSON through the protocol class, without the network: **{request['known_head']} µs** "
        f"behind a head that was met before, {request['parsed_head']} µs behind one that is parsed; counting takes "
        f"{request['of_which_counting']} µs of it. With the header `Server-Timing` {request['with_server_timing']} µs, "
        f"with recording {request['with_recording_in_the_worker']} µs in the worker. Reading {tensors['rows']:,} rows "
        f"of {tensors['fields']} numbers: {tensors['json']:,} µs as JSON, {tensors['binary']} µs as bytes. "
        f"{batches['setting'].capitalize()}: {rows['alone']:,} rows/s one by one, {rows['loop']:,} in batches in the "
        f"loop, {rows['thread']:,} in batches in a thread.",
    )


def _offline(result: Result) -> str:
    rows = "".join(
        f"| {title} | {who} | {one[who]['rows_per_s']:,} | {one[who]['seconds']['median']} "
        f"| {one[who]['cpu_seconds']['median']} | {one[who]['peak_mib']:,} "
        f"| {one['of_the_loop'] if who == 'golive' else ''} |\n"
        for title, one in result["models"].items()
        for who in ("golive", "loop")
    )
    return _section(
        "Offline prediction",
        result,
        f"`golive predict` of {result['rows']:,} rows of {result['fields']} numbers from Parquet to Parquet, beside a "
        "loop by hand (pyarrow reads a batch, ONNX Runtime runs it on all cores, pyarrow writes it), each from start "
        f"to exit (target: {result['target']:.0%} of the loop's rows per second or more). MiB are those of all "
        "processes together, shared pages counted in each.\n\n"
        "| model | | rows per second | seconds | CPU seconds | MiB | of the loop |\n"
        f"| --- | --- | ---: | ---: | ---: | ---: | ---: |\n{rows}",
    )


def _evidence(result: Result) -> str:
    target = result["target"]
    rows = "".join(
        f"| {title} | {one['seconds']} | {one['cpu_seconds']} | {one['peak_mib']:,} | {one['report_mb']} |\n"
        for title, one in result["models"].items()
    )
    return _section(
        "Evaluation",
        result,
        f"`golive evaluate` of {result['rows']:,} rows of {result['columns']} columns with as many training rows "
        "beside them and fairness by a declared column, from start to exit (targets: under "
        f"{target['seconds']:g} s, {target['mib']:,.0f} MiB of all processes together and {target['report_mb']:g} MB "
        "of report).\n\n"
        "| model | seconds | CPU seconds | MiB | report MB |\n"
        f"| --- | ---: | ---: | ---: | ---: |\n{rows}",
    )


def _coverage(result: Result) -> str:
    low, high = (f"{share:.0%}" for share in result["meant"])
    drawn = ", ".join(f"{int(rows):,} rows {count:,} times" for rows, count in result["repetitions"].items())
    ends = {
        world: [f"{min(held.values()):.1%} … {max(held.values()):.1%}" for held in sizes.values()]
        for world, sizes in result["held"].items()
    }
    rows = "".join(f"| {world} | {' | '.join(shares)} |\n" for world, shares in ends.items())
    heads = "".join(f" {int(size):,} rows |" for size in result["repetitions"])
    beyond = len(result["outside"])
    return _section(
        "Intervals",
        result,
        f"How often a 95 % interval held the truth, in {len(result['held'])} worlds whose truth is known, drawn anew: "
        f"{drawn}. Of {result['intervals']:,} intervals **{result['within_meant']:,} held it in {low} to {high}** of "
        f"the draws, {result['mean']:.1%} on average; of the others {beyond or 'none'} lay farther outside than "
        "so many draws leave open. The least and the greatest share of each:\n\n"
        f"| world |{heads}\n| --- |{' --- |' * len(result['repetitions'])}\n{rows}",
    )


def _planted(result: Result) -> str:
    sets, clean = result["sets"], result["clean"]
    names = list(next(iter(sets.values()))["faults"])
    rows = "".join(
        f"| {title} | {' | '.join(_MARKS[one['faults'][title]] for one in sets.values())} |\n" for title in names
    )
    unplanted = "".join(f"- {name}: {found['text']}\n" for name, one in sets.items() for found in one["unplanted"])
    return _section(
        "Planted faults",
        result,
        f"Faults planted one at a time in {len(sets)} data sets, a model fitted on one half and judged on the other: "
        f"**{result['found']} of {result['planted']} found**, each as a finding of its kind on its column (– : makes "
        f"no sense there, or could not be told by a person). Of {clean['runs']} runs in which nothing is wrong, "
        f"**{clean['with_findings']}** had a finding (allowed: {clean['allowed']}).\n\n"
        f"| fault | {' | '.join(sets)} |\n| --- | {' | '.join(':-:' for _ in sets)} |\n{rows}\n"
        f"Found in the sets as they are:\n\n{unplanted}",
    )


_MARKS: dict[bool | None, str] = {True: "found", False: "**missed**", None: "–"}
_DESCRIBE: dict[str, Callable[[Result], str]] = {
    "cold_start": _starts,
    "imports": _imports,
    "peers": _peers,
    "pieces": _pieces,
    "offline": _offline,
    "swap": _swap,
    "explain": _explain,
    "up_overhead": _up,
    "big_table": _table,
    "memory_cycles": _cycles,
    "evidence": _evidence,
    "coverage": _coverage,
    "planted": _planted,
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
