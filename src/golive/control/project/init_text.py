"""A look at a table in; the commented text of golive.yaml out. Pure."""

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from golive.control.project.tree import reads_as_itself
from golive.training.inspect import Inspection

_WIDTH = 108
_FEWEST_TESTED = 30
_WHOLE = 1e15
"""Whole numbers below this are written without a decimal point."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a new project is made of."""

    name: str
    file: str
    options: dict[str, Any]
    target: str
    inspection: Inspection
    sensitive: tuple[str, ...] = ()
    time: str = ""


def project_text(proposal: Proposal) -> str:
    """Write golive.yaml with comments that say what each part does and why it was proposed."""
    parts = (
        _head(proposal),
        _split(proposal),
        _cleaning(proposal),
        _features(proposal),
        _candidates(proposal),
        _evaluation(proposal),
        _gate(proposal),
        _live(),
    )
    return "\n".join("\n".join(part) + "\n" for part in parts)


def _head(proposal: Proposal) -> list[str]:
    target = proposal.inspection.target
    what = "predict a number" if target.task == "regression" else f"predict one of {target.classes} classes"
    lines = [
        "# golive.yaml: everything that decides this model. `golive up` goes from here to a live service.",
        "# `golive schema` gives the JSON Schema, with which an editor completes and checks this file.",
        f"name: {scalar_text(proposal.name)}",
        "",
        "data:",
        f"  file: {scalar_text(proposal.file)}  # relative to this file",
    ]
    if proposal.options:
        options = ", ".join(f"{key}: {scalar_text(value)}" for key, value in proposal.options.items())
        lines.append(f"  options: {{{options}}}")
    lines += ["", f"target: {scalar_text(proposal.target)}", f"task: {target.task}  # {what}"]
    if target.log:
        lines.append("log_target: true  # high values have a long tail, so the logarithm is fitted")
    return [*lines, "seed: 42  # the same seed, data and versions give the same model"]


def _split(proposal: Proposal) -> list[str]:
    look = proposal.inspection
    why = {
        "time": "the latest rows are the test rows, as in live use",
        "stratified": "every class has the same share on both sides",
        "random": "rows are independent of one another; use time or group where they are not",
        "group": "a group is never on both sides",
    }[look.split.method]
    lines = [
        "# Test rows are set apart before anything is fitted, and read once, for the verdict.",
        "split:",
        f"  method: {look.split.method}  # {why}",
    ]
    if look.split.column:
        lines.append(f"  column: {scalar_text(look.split.column)}")
    lines += [f"  test: {look.split.test:g}", f"  seed: {look.split.seed}"]
    return lines


def _cleaning(proposal: Proposal) -> list[str]:
    codes = proposal.inspection.missing_codes
    lines = [
        "# Every change is counted, and listed in the data report.",
        "cleaning:",
        "  duplicates: drop",
        "  missing_target: drop",
        "  wrong_types: missing  # a text where a number should be",
    ]
    if codes:
        lines.append('  missing_codes:  # values that stand for "missing"')
        lines += [f"    {scalar_text(column)}: {_flow(values)}" for column, values in codes.items()]
    else:
        lines.append('  # missing_codes: {some_column: [-999, unknown]}  # values that stand for "missing"')
    example = next(iter(proposal.inspection.features.numbers), "some_column")
    lines.append(
        f"  # ranges: {{{scalar_text(example)}: {{minimum: 0, outside: missing}}}}  # what cannot be in the real world"
    )
    return lines


def _features(proposal: Proposal) -> list[str]:
    features, reasons = proposal.inspection.features, proposal.inspection.reasons
    lines = ["# Everything here is fitted on the training rows only, and travels with the model.", "features:"]
    for kind, columns in (
        ("numbers", features.numbers),
        ("categories", features.categories),
        ("dates", features.dates),
        ("texts", features.texts),
    ):
        if columns:
            lines += _wrapped(f"  {kind}: ", columns)
    if features.drop:
        lines.append("  drop:  # not used, and callers need not send them")
        lines += [f"    - {scalar_text(column)}  # {_comment(reasons[column])}" for column in features.drop]
    if features.dates:
        lines.append(f"  date_parts: {_flow(features.date_parts)}")
    lines += ["  impute: median  # what a missing number becomes", "  scale: standard"]
    if features.categories:
        lines.append('  encode: onehot  # a value never seen in training is served as "unseen"')
    if features.target_encode:
        lines += _wrapped("  target_encode: ", features.target_encode)
    return lines


def _candidates(proposal: Proposal) -> list[str]:
    look = proposal.inspection
    regression = look.target.task == "regression"
    simple = "ridge" if regression else "logistic"
    metric = "rmse" if regression else "log_loss"
    grid = "alpha: [0.1, 1.0, 10.0, 100.0]" if regression else "C: [0.01, 0.1, 1.0, 10.0]"
    forest = [] if look.rows > 50_000 else ["  - model: random_forest", "    grid: {max_features: [sqrt, 0.3]}"]  # noqa: PLR2004
    return [
        "# Each candidate is tried with every choice of its grid; the best in cross-validation is kept.",
        "candidates:",
        f"  - model: {simple}",
        f"    grid: {{{grid}}}",
        *forest,
        "  - model: gradient_boosting",
        "    grid: {learning_rate: [0.05, 0.1], max_leaf_nodes: [15]}",
        "",
        "validation:  # inside the training rows",
        f"  method: {look.validation.method}",
        f"  folds: {look.validation.folds}",
        "",
        "search:",
        "  method: grid  # or random, or bayes, with at most `trials` settings a candidate",
        "  trials: 20",
        f"  metric: {metric}",
    ]


def _evaluation(proposal: Proposal) -> list[str]:
    inputs = [*proposal.inspection.features.categories, *proposal.inspection.features.numbers]
    example = next(iter(inputs), "some_column")
    said = []
    if proposal.sensitive:
        said.append(
            f"  sensitive: {_flow(proposal.sensitive)}  # fairness is measured by them; the model may not read them"
        )
        if proposal.inspection.target.task == "classification":
            said.append('  # favorable: ""  # the class that people wish for; where it is not named, the second one')
    if proposal.time:
        said.append(f"  time: {scalar_text(proposal.time)}  # when a row was")
    more = [f"  # slices: {_flow([example])}  # columns whose values are shown apart, whatever is found"]
    if proposal.inspection.target.task == "classification":
        more.append("  # costs: {false_positive: 1, false_negative: 5}  # what wrong decisions cost")
    return ["# What the judging of a model should know of its rows.", "evaluation:", *said, *more]


def _gate(proposal: Proposal) -> list[str]:
    look = proposal.inspection
    regression = look.target.task == "regression"
    metric = "rmse" if regression else "log_loss"
    margin = _one_digit(0.02 * look.target.spread) if regression else 0.01
    tested = max(1, math.floor(look.rows * look.split.test * 0.9))
    simple = "the training mean" if regression else "the shares of the classes"
    lines = [
        '# The verdict: a model that breaks a rule does not go live. "upper" is the end of the 95 % interval.',
        "gate:",
        "  rules:",
        f"    - ({metric} - baseline.{metric}).upper <= 0  # surely better than always answering {simple}",
        f"    - {metric} - champion.{metric} <= {margin:.10g}  # not worse than what is live, but for this much",
        "    - leakage == none  # no column gives the target away",
        "    - duplicates == none  # no row is on both sides of the split",
    ]
    if tested < _FEWEST_TESTED:
        return [*lines, f"  min_rows: {tested}  # few test rows: the intervals are wide; bring more data when you can"]
    return [*lines, f"  min_rows: {_FEWEST_TESTED}  # with fewer test rows there is no verdict"]


def _live() -> list[str]:
    return [
        "serving:",
        "  host: 127.0.0.1  # beyond this machine a key is needed: golive key",
        "  port: 8080",
        "  admin_port: 8082",
        "  workers: 0  # processes; 0 is one for every core",
        "",
        "release:",
        "  target: local",
        "  strategy: direct  # all at once, as soon as the new version is ready",
        "",
        "monitoring:",
        "  sample: 1.0  # share of predictions that are recorded, for drift",
        "  look_rows: 1000  # a look at drift is due when this many are in",
        "  keep_days: 180",
    ]


def scalar_text(value: object) -> str:
    """Write a text, number or bool so that golive.yaml reads it back as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(int(value)) if float(value).is_integer() and abs(value) < _WHOLE else repr(value)
    text = str(value)
    return text if reads_as_itself(text) else _quoted(text)


def _quoted(text: str) -> str:
    # JSON would write characters beyond 16 bits as two escapes, which YAML does not join.
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escapes.get(c, c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'


def _comment(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _flow(values: Iterable[object]) -> str:
    return f"[{', '.join(map(scalar_text, values))}]"


def _wrapped(head: str, columns: Iterable[str]) -> list[str]:
    lines, line = [], head + "["
    words = list(map(scalar_text, columns))
    for index, word in enumerate(words):
        piece = word + ("]" if index == len(words) - 1 else ", ")
        if len(line) + len(piece) > _WIDTH:
            lines.append(line.rstrip())
            line = "    "
        line += piece
    return [*lines, line]


def _one_digit(value: float) -> float:
    if value <= 0:
        return 0.0
    size = 10 ** math.floor(math.log10(value))
    return float(f"{math.ceil(value / size) * size:.6g}")
