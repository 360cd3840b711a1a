"""Judge: (Evidence, Policy) in, Verdict out. Pure; the same rules before and after going live.

A rule reads aloud: ``rmse.upper <= 30000``, ``auc - champion.auc >= -0.01``, ``size_mb <= 20``, ``leakage == none``::

    rule    := term operator number  |  kind " == none"
    term    := measure [bound]  |  measure " - " measure  |  "(" measure " - " measure ")" bound
    bound   := ".lower" | ".upper"
    operator:= "<=" | ">=" | "<" | ">"

A difference of two measures is looked up under its own name first (``rmse - champion.rmse``), since a paired
difference has its own interval; only its plain value is computed when there is none.

A kind is one of :data:`golive.domain.finding.FindingKind`, or ``findings`` for all of them. It counts findings that
warn or stop; notes do not stand against a model. What was not looked for is not "none", but not enough data; of
``findings``, the kinds that need nothing declared must have been looked for.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import get_args

import msgspec

from golive.domain.digest import digest_of_value
from golive.domain.evidence import Evidence, Measure
from golive.domain.finding import USUAL_KINDS, Finding, FindingKind
from golive.domain.policy import Outcome, Policy, Reason, Verdict
from golive.errors import PolicyError

_NAME = r"[A-Za-z_][A-Za-z0-9_.]*?"
_RULE = re.compile(
    rf"\s*(?P<open>\()?\s*(?P<left>{_NAME})(?:\s+-\s+(?P<right>{_NAME}))?\s*(?P<close>\))?"
    r"(?:\.(?P<bound>lower|upper))?\s*(?P<operator><=|>=|<|>)\s*(?P<number>[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*"
)
_NOTHING = re.compile(r"\s*(?P<kind>[a-z_]+)\s*==\s*none\s*")
_BOUNDS = (".lower", ".upper")
FINDINGS = "findings"
"""What a rule says that means findings of every kind."""
KINDS: tuple[str, ...] = (FINDINGS, *get_args(FindingKind))
_FAMILIES: Mapping[str, str] = {"fairness": "group_gap", "class": "", "robustness": "robustness"}
"""Families of measures, and the kind of finding that is looked for with them."""
_SHOWN = 3
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, taken apart."""

    text: str
    left: str
    right: str = ""
    bound: str = ""
    operator: str
    number: float = 0.0

    @property
    def asks_for_none(self) -> bool:
        """Whether it says that nothing of a kind may be found; ``left`` is the kind."""
        return self.operator == "=="

    @property
    def measure(self) -> str:
        """The name of the measure, or of the paired difference."""
        return f"{self.left} - {self.right}" if self.right else self.left

    @property
    def term(self) -> str:
        """The left side, as a person writes it."""
        whole = f"({self.measure})" if self.right and self.bound else self.measure
        return f"{whole}.{self.bound}" if self.bound else whole


def read_rule(text: str) -> Rule:
    """Take a rule apart.

    Raises:
        PolicyError: the text is not a rule.
    """
    nothing = _NOTHING.fullmatch(text)
    if nothing is not None:
        return _none_of(nothing["kind"], text)
    found = _RULE.fullmatch(text)
    if found is None or bool(found["open"]) != bool(found["close"]):
        message = (
            f"the gate rule {text!r} cannot be read; a rule is a measure, a comparison and a number, "
            "such as 'rmse.upper <= 30000' or 'auc - champion.auc >= -0.01', or a kind of finding: 'leakage == none'"
        )
        raise PolicyError(message)
    _refuse_loose_bound(found, text)
    return Rule(
        text=" ".join(text.split()),
        left=found["left"],
        right=found["right"] or "",
        bound=found["bound"] or "",
        operator=found["operator"],
        number=float(found["number"]),
    )


def _refuse_loose_bound(found: re.Match[str], text: str) -> None:
    """Refuse a bound that stands within a difference: whether it is of one side or of both cannot be told."""
    left, right = found["left"], found["right"]
    loose = bool(found["bound"]) and not found["open"]
    if right is None or not (loose or left.endswith(_BOUNDS) or right.endswith(_BOUNDS)):
        return
    bare = (
        f"{left.removesuffix('.lower').removesuffix('.upper')} - {right.removesuffix('.lower').removesuffix('.upper')}"
    )
    bound = found["bound"] or next(one[1:] for one in _BOUNDS for side in (left, right) if side.endswith(one))
    rest = f"{found['operator']} {found['number']}"
    message = (
        f"the gate rule {text!r} has a bound of one side of a difference, which is not measured; a difference has an "
        f"interval of its own: '({bare}).{bound} {rest}', or its value is compared: '{bare} {rest}'"
    )
    raise PolicyError(message)


def _none_of(kind: str, text: str) -> Rule:
    if kind not in KINDS:
        message = f"the gate rule {text!r} asks for no {kind!r}, which is no kind of finding: {', '.join(KINDS)}"
        raise PolicyError(message)
    return Rule(text=" ".join(text.split()), left=kind, operator="==")


def judge(evidence: Evidence, policy: Policy, *, forced: str = "") -> Verdict:
    """Decide whether a bundle may be released.

    The outcome is "fail" if any rule fails, else "not-enough-data" if any rule cannot be answered, else "pass".
    Of an evaluation that measured nothing it is never "pass", whatever the rules ask and if there are none.
    A reason in ``forced`` is kept only against an outcome that is no pass.

    Raises:
        PolicyError: a rule cannot be read.
    """
    reasons = tuple(_apply(read_rule(text), evidence) for text in policy.rules)
    if 0 < evidence.rows < policy.min_rows:
        few = Reason(
            rule=f"rows >= {policy.min_rows}",
            outcome="not-enough-data",
            text=f"{evidence.rows} test rows are fewer than the {policy.min_rows} that the policy asks for",
            value=float(evidence.rows),
            bound=float(policy.min_rows),
        )
        reasons = (few, *reasons)
    reasons = (*_unmeasured(evidence), *reasons)
    outcomes = {reason.outcome for reason in reasons}
    outcome: Outcome = "fail" if "fail" in outcomes else "not-enough-data" if "not-enough-data" in outcomes else "pass"
    return Verdict(
        bundle=evidence.bundle,
        outcome=outcome,
        reasons=reasons,
        policy=digest_of_value(policy),
        data=evidence.data,
        rows=evidence.rows,
        rows_from=evidence.rows_from,
        forced="" if outcome == "pass" else forced,
    )


def _unmeasured(evidence: Evidence) -> Iterator[Reason]:
    """Say of an evaluation why nothing of the model was measured, if so: no usable row, or an answer that is none."""
    invalid = evidence.find("invalid_predictions")
    if evidence.kind != "evaluation" or (evidence.rows and not (invalid and invalid.value)):
        return
    told = [found.text.rstrip(".") for found in evidence.findings if found.kind == "rows" and found.severity == "stop"]
    counted = f"{invalid.value:g} of {evidence.rows} rows have no valid answer" if invalid and invalid.value else ""
    text = "; ".join(told) or counted or "there is no row with a known answer, so nothing was measured"
    yield Reason(rule="evaluation", outcome="not-enough-data", text=text)


def _apply(rule: Rule, evidence: Evidence) -> Reason:
    if rule.asks_for_none:
        return _found(rule, evidence)
    if "champion." in rule.measure and evidence.find(rule.left.removeprefix("champion.")) is None:
        return Reason(rule=rule.text, outcome="not-enough-data", text=f"{rule.left} was not measured")
    if evidence.champion is None and "champion." in rule.measure:
        return Reason(
            rule=rule.text, outcome="pass", text="no other model is live under this name, so there is no champion"
        )
    if evidence.champion == evidence.bundle and "champion." in rule.measure:
        return Reason(rule=rule.text, outcome="pass", text="this bundle is the champion itself")
    value = _value(rule, evidence)
    if value is None or not math.isfinite(value):
        return Reason(rule=rule.text, outcome="not-enough-data", text=_missing(rule, evidence))
    holds = _OPERATORS[rule.operator](value, rule.number)
    text = f"{rule.term} is {value:.6g}; {rule.operator} {rule.number:g} {'holds' if holds else 'does not hold'}"
    return Reason(rule=rule.text, outcome="pass" if holds else "fail", text=text, value=value, bound=rule.number)


def _missing(rule: Rule, evidence: Evidence) -> str:
    """Say that there is no value, and why where the evidence tells."""
    measure = evidence.find(rule.measure)
    if measure is not None and math.isfinite(measure.value):
        return f"{rule.measure} has no interval on these rows" + (f" ({measure.note})" if measure.note else "")
    why = "; ".join(filter(None, (_why(name, evidence) for name in (rule.left, rule.right) if name)))
    return f"{rule.term} was not measured" + (f" ({why})" if why else "")


def _why(name: str, evidence: Evidence) -> str:
    """Say why a measure is not there: what was noted of it, what its stress did, or of what else there is one."""
    noted = [str(note["text"]) for note in evidence.details.get("notes", ()) if note.get("metric") == name]
    family, _, rest = name.partition(".")
    if noted or family not in _FAMILIES:
        return "; ".join(noted)
    refused = evidence.find(f"{family}.{rest.partition('.')[0]}.refused")
    if refused is not None:
        return f"a server refuses {refused.value:.0%} of the rows under that stress"
    last = rest.rpartition(".")[2]
    others = [one.name for one in evidence.measures if one.name.startswith(f"{family}.") and one.name.endswith(last)]
    if others and family != "robustness":
        return f"measured were {', '.join(others[:_SHOWN])}" + (" and others" if len(others) > _SHOWN else "")
    return "; ".join(evidence.why_unlooked(_FAMILIES[family])) if _FAMILIES[family] else ""


def _found(rule: Rule, evidence: Evidence) -> Reason:
    every = rule.left == FINDINGS
    against = [found for found in evidence.findings if found.severity != "note" and (every or found.kind == rule.left)]
    if against:
        return Reason(rule=rule.text, outcome="fail", text=_listed(against), value=float(len(against)), bound=0.0)
    asked = USUAL_KINDS if every else (rule.left,)
    missing = [kind for kind in asked if kind not in evidence.checked]
    if missing:
        return Reason(rule=rule.text, outcome="not-enough-data", text=_unlooked(missing, evidence))
    return Reason(rule=rule.text, outcome="pass", text=f"{rule.left}: looked for and not found", value=0.0, bound=0.0)


def _unlooked(missing: Sequence[str], evidence: Evidence) -> str:
    """Say what was not looked for; kinds that were not for one reason stand together with it."""
    why: dict[str, list[str]] = {}
    for kind in missing:
        why.setdefault("; ".join(evidence.why_unlooked(kind)), []).append(kind)
    parts = []
    for reason, kinds in why.items():
        was = "was" if len(kinds) == 1 else "were"
        parts.append(f"{', '.join(kinds)} {was} not looked for" + (f" ({reason})" if reason else ""))
    return "; ".join(parts)


def _listed(against: list[Finding]) -> str:
    more = f"; and {len(against) - 1} more" if len(against) > 1 else ""
    return against[0].text.rstrip(".") + more


def _value(rule: Rule, evidence: Evidence) -> float | None:
    measure = evidence.find(rule.measure)
    if measure is not None:
        return _bound(measure, rule.bound)
    if not rule.right or rule.bound:
        return None
    left, right = evidence.find(rule.left), evidence.find(rule.right)
    return left.value - right.value if left and right else None


def _bound(measure: Measure, bound: str) -> float | None:
    return {"": measure.value, "lower": measure.lower, "upper": measure.upper}[bound]
