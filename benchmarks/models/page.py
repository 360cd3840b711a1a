"""docs/models.md, written from benchmarks/results/models.json so that no figure is typed by hand."""

import json
import statistics
from collections.abc import Iterable
from typing import Any

from benchmarks.result import FOLDER

PAGE = FOLDER.parents[1] / "docs" / "models.md"
RESULT = FOLDER / "models.json"
MOST_WORDS = 420
TARGET = 10

Kind = dict[str, Any]

GROUPS = {
    "pipeline": "Pipelines",
    "classifier": "Classifiers",
    "regressor": "Regressors",
    "transformer": "Transformers, each before a logistic regression",
    "cluster": "Clusters, mixtures and others",
    "outliers": "Detectors of outliers",
}
GENERAL = "; replace it by a part that golive can write (docs of golive.adapters.frameworks list them)"
HEAD = """# Which models can be brought

Bring a fitted model or a model file. golive does one of four things with it, and says which:

| outcome | what it means |
| --- | --- |
| **converted** | written as a graph in double precision (networks in their own), proved equal to the original on real rows and on rows made to break it; no code of yours runs when it serves |
| **isolated** | only Python can run it: with `isolated=True` it is served as it is, in a process of its own, under the versions of its libraries ([page](isolated.md)); milliseconds, not microseconds |
| **tensors** | an ONNX or `.pt2` file without a sample: the graph is served as it is, for tensors instead of rows ([page](tensor-models.md)) |
| **refused** | with the part that stands in the way and what to do about it |

How to bring one: [packaging](packaging.md) for objects, [importing](importing.md) for files.

"""  # noqa: E501 - a table


def write_page() -> None:
    """Write the page from the result file."""
    PAGE.write_text(page_of(json.loads(RESULT.read_text("utf-8"))), "utf-8")


def page_of(result: Kind) -> str:
    """Give the whole page."""
    kinds = result["kinds"]
    parts = [HEAD, _summary(kinds), _scikit(kinds)]
    frameworks = dict.fromkeys(kind["framework"] for kind in kinds if kind["framework"] != "scikit-learn")
    parts += [_section(f"## {name}", [kind for kind in kinds if kind["framework"] == name]) for name in frameworks]
    parts += [_strangers(result["strangers"]), _footer(result)]
    return "".join(part for part in parts if part).rstrip() + "\n"


def _summary(kinds: list[Kind]) -> str:
    names = list(dict.fromkeys(kind["framework"] for kind in kinds))
    rows = "".join(_count_row(name, [kind for kind in kinds if kind["framework"] == name]) for name in names)
    compared = [kind for kind in kinds if kind["outcome"] == "converted"]
    flipped = sum(kind.get("flipped", 0) + kind.get("differing", 0) for kind in compared)
    total = sum(kind["rows"] for kind in compared)
    return (
        "## In short\n\n| framework | tried | converted | isolated | tensors | refused |\n"
        f"| --- | ---: | ---: | ---: | ---: | ---: |\n{rows}\n"
        f"- **Equal.** {total:,} rows were compared in {len(compared)} conversions: {_decisions(flipped, compared)}\n"
        f"- **Faster.** {_faster(kinds)}\n\n"
        "**How to read the tables.** *Rows* are those of the proof, *difference* is the largest one found (of "
        "probabilities absolute, of values relative), *flipped* counts other labels: in the proof, and where "
        "`predict` of the bundle is compared with the library's own `predict` on all real rows. *One row* is the "
        "median time of the library's own `predict` on a data frame of one row, then that of the bundle from a "
        "request's values to the label; *1,000 rows* the same for a frame of a thousand. One thread each, in processor "
        "time (for isolated models the time that passes). `make models` writes this page; a test repeats its "
        "outcomes.\n\n"
    )


def _decisions(flipped: int, compared: list[Kind]) -> str:
    if not flipped:
        return "**no decision differs**, for trees, linear models and networks alike."
    named = ", ".join(
        f"{kind['name']} ({kind.get('flipped', 0) + kind.get('differing', 0)})"
        for kind in compared
        if kind.get("flipped") or kind.get("differing")
    )
    return f"{flipped} decisions differ: {named}."


def _faster(kinds: list[Kind]) -> str:
    ours = [kind for kind in kinds if kind["framework"] == "scikit-learn" and kind["outcome"] == "converted"]
    speeds = sorted((kind["one"]["own"] / kind["one"]["served"], kind["name"]) for kind in ours if "one" in kind)
    if not speeds:
        return "Not measured."
    slower = [f"{name} ({times:.1f}x)" for times, name in speeds if times < TARGET]
    beyond = f"; below {TARGET} times: {', '.join(slower)}" if slower else ""
    middle = statistics.median(times for times, _ in speeds)
    return (
        f"A converted scikit-learn model answers one row **{middle:.0f} times** faster than its own `predict` (median "
        f"of {len(speeds)}; worst {speeds[0][0]:.1f}, {speeds[0][1]}; best {speeds[-1][0]:,.0f}){beyond}."
    )


def _count_row(name: str, kinds: list[Kind]) -> str:
    counts = [
        sum(kind["outcome"] == outcome for kind in kinds) for outcome in ("converted", "isolated", "tensors", "refused")
    ]
    return f"| {name} | {len(kinds)} | {' | '.join(str(count or '') for count in counts)} |\n"


def _scikit(kinds: list[Kind]) -> str:
    mine = [kind for kind in kinds if kind["framework"] == "scikit-learn"]
    text = (
        "## scikit-learn\n\nThe pipelines are those of practice, on real tables with texts and missing values. After "
        "them comes every estimator that `sklearn.utils.all_estimators` lists, once, in its defaults where they will "
        "do.\n\n"
    )
    return text + "".join(
        _section(f"### {title}", [kind for kind in mine if kind.get("group") == group])
        for group, title in GROUPS.items()
    )


def _section(title: str, kinds: list[Kind]) -> str:
    good = [kind for kind in kinds if kind["outcome"] == "converted"]
    others = [kind for kind in kinds if kind["outcome"] != "converted"]
    text = f"{title}\n\n"
    if good:
        text += (
            "| converted | rows of | rows | difference | flipped | one row, µs | times | 1,000 rows, ms | times |\n"
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n" + "".join(map(_good_row, good)) + "\n"
        )
    if others:
        text += "| not converted | becomes | because |\n| --- | --- | --- |\n" + "".join(map(_other_row, others)) + "\n"
    return text


def _good_row(kind: Kind) -> str:
    flipped = kind.get("flipped", 0) + kind.get("differing", 0)
    return (
        f"| {kind['name']} | {kind['on']} | {kind['rows']:,} | {_short(kind.get('difference', 0.0))} | {flipped} "
        f"| {_pair(kind.get('one'), 1.0)} | {_times(kind.get('one'))} | {_pair(kind.get('many'), 1000.0)} "
        f"| {_times(kind.get('many'))} |\n"
    )


def _other_row(kind: Kind) -> str:
    one = f"; one row {_pair(kind['one'], 1000.0)} ms" if "one" in kind else ""
    return f"| {kind['name']} | {kind['outcome']}{one} | {_reason(kind)} |\n"


def _reason(kind: Kind) -> str:
    if kind["outcome"] == "tensors":
        return "there is no sample, so it is served for tensors, byte for byte"
    words = " ".join(kind.get("reason", "").replace(GENERAL, "").split())
    words = words if len(words) <= MOST_WORDS else f"{words[: MOST_WORDS - 120]} … {words[-110:]}"
    return words.replace("|", "\\|").replace("<", "&lt;")


def _short(difference: float) -> str:
    return f"{difference:.0e}" if difference else "0"


def _pair(speed: dict[str, float] | None, unit: float) -> str:
    return f"{_figure(speed['own'] / unit)} → {_figure(speed['served'] / unit)}" if speed else ""


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def _times(speed: dict[str, float] | None) -> str:
    return f"{_figure(speed['own'] / speed['served'])}" if speed else ""


def _strangers(strangers: list[Kind]) -> str:
    if not strangers:
        return ""
    rows = "".join(
        f"| {one['package']} | {one['file']} | {one['outcome']} | {_cell(one['told'])} |\n" for one in strangers
    )
    return (
        "## Models that other people packed\n\nReal models inside packages of the Python index, each imported as it "
        "is and compared with the library that its authors use, or refused with what to do.\n\n"
        f"| package | file | outcome | what came of it |\n| --- | --- | --- | --- |\n{rows}\n"
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _footer(result: Kind) -> str:
    machine = result["machine"]
    versions = _listed({**result["versions"], **result["libraries"]}.items())
    return (
        f"<small>{result['at']}; {machine['cores']} cores {machine['cpu']}, {machine['memory_gib']} GiB, load average "
        f"{machine['load_average_at_the_end'][0]} at the end; Python {machine['python']}; {versions}</small>\n"
    )


def _listed(versions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions)
