"""Rules: whether a gate rule can ever be answered, in golive.yaml, on the command line and in a notebook alike."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from golive.domain.families import namesakes
from golive.domain.judging import Declared
from golive.domain.metric import ALONE, COMPARED_INSTEAD, POINTS, is_measured, measure_names
from golive.domain.signature import Task
from golive.errors import PolicyError
from golive.judge import KINDS, Rule, read_rule


def complaints(
    rule: Rule, task: Task, declared: Declared | None = None, *, classes: Sequence[str] = ()
) -> Iterator[str]:
    """Say what stands against a rule: a name that is never measured, a bound without an interval.

    Where ``declared`` is given, also a column that would have to be declared first. ``classes`` are the model's, where
    they are known. Of tensors only names of families are known before they are measured.
    """
    undeclared = "" if declared is None else _undeclared(rule.left, declared)
    if undeclared:
        yield undeclared
    if rule.asks_for_none:
        return
    sensitive = () if declared is None else declared.sensitive
    for name in filter(None, (rule.left, rule.right)):
        if task != "tensors" and not is_measured(name, task):
            yield f"found {name!r}, which evaluation of a {task} does not measure; {_nearest(name, task)}"
            continue
        known = namesakes(name, task, classes=classes, sensitive=sensitive)
        if known is not None and name not in known:
            yield f"found {name!r}, which is never measured; {_close(name, known)}"
    if task != "tensors" and rule.bound and not _has_interval(rule.left, rule.right):
        yield f"{rule.measure} has no interval; compare its value, without .{rule.bound}{_instead(rule)}"


def refuse_unanswerable(rules: Iterable[str], task: Task, *, classes: Sequence[str] = ()) -> None:
    """Refuse rules that no evaluation of such a model, with these classes, can answer.

    Raises:
        PolicyError: there is one; the message says what it may have meant.
    """
    for text in rules:
        for complaint in complaints(read_rule(text), task, classes=classes):
            message = f"the gate rule {text!r} cannot be answered: {complaint}"
            raise PolicyError(message)


def _undeclared(name: str, said: Declared) -> str:
    if (name.startswith("fairness.") or name == "group_gap") and not said.sensitive:
        return f"found {name!r}, but no columns are declared to measure it by; name them in evaluation.sensitive"
    if name == "time" and not said.time:
        return "found 'time', but no column is declared that says when a row was; name it in evaluation.time"
    return ""


def _nearest(name: str, task: Task) -> str:
    known = (*measure_names(task), *KINDS)
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"it measures {', '.join(measure_names(task)[:12])} and others"


def _close(name: str, known: Sequence[str]) -> str:
    """Name what is nearest, in the whole or part by part; else some of what there is."""
    close = get_close_matches(name, known, n=1, cutoff=0.8)
    return f"did you mean {close[0]!r}?" if close else f"such are {', '.join(known[:5])}"


def _has_interval(left: str, right: str) -> bool:
    if not right:
        return left not in ALONE and left not in POINTS
    return right in {f"baseline.{left}", f"champion.{left}"} and left not in COMPARED_INSTEAD


def _instead(rule: Rule) -> str:
    other = COMPARED_INSTEAD.get(rule.left) if rule.right else None
    role = rule.right.partition(".")[0]
    return f", or ({other} - {role}.{other}).{rule.bound}" if other else ""
