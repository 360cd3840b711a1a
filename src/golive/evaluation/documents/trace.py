"""Trace: every figure of a document names the record that it is from, and where in it."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from golive.domain.evidence import Measure
from golive.evaluation.documents.known import Known
from golive.evaluation.documents.markdown import Markdown, code
from golive.evaluation.numbers import interval_text, value_text


class Cited(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as the record holds it."""

    label: str
    path: str
    """The name of a measure, or a way into the record: ``lineage.rows``, ``details.fairness.columns.0.label``."""
    value: Any
    lower: float | None = None
    upper: float | None = None
    rows: int = 0

    @property
    def reference(self) -> str:
        """What stands behind the figure, such as ``[E1 auc.lower]``."""
        return f"[{self.label} {self.path}]"


class Trace:
    """Writes figures with their references, and remembers each."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._records = {source.label: known.record(source.label) for source in known.sources()}
        self._measures = {
            label: {measure["name"]: measure for measure in record["measures"]}
            for label, record in self._records.items()
            if label.startswith("E")
        }
        self._cited: dict[tuple[str, str], Cited] = {}

    def measure(self, name: str, label: str = "E1") -> Markdown:
        """Write a measure with its 95 % interval and its reference; empty where it was not measured."""
        found = self._measures.get(label, {}).get(name)
        if found is None:
            return Markdown()
        cited = Cited(
            label=label,
            path=name,
            value=found["value"],
            lower=found["lower"],
            upper=found["upper"],
            rows=found["rows"],
        )
        return self._written(cited)

    def value(self, label: str, path: str) -> Markdown:
        """Write what a record holds at a place (a number, or a value with its interval); empty where it holds none."""
        found = walked(self._records.get(label), path)
        if isinstance(found, dict) and "value" in found:
            lower, upper = found.get("lower"), found.get("upper")
            return self._written(Cited(label=label, path=path, value=found["value"], lower=lower, upper=upper))
        if found is None or isinstance(found, (dict, list, tuple)):
            return Markdown()
        return self._written(Cited(label=label, path=path, value=found))

    def reference(self, label: str, path: str) -> Markdown:
        """Write the reference alone, behind a sentence with its own figures; empty where the record has no such place.

        What is listed of it is the number that it is about, where it has one.
        """
        found = walked(self._records.get(label), path)
        if found is None:
            return Markdown()
        self._remember(Cited(label=label, path=path, value=found.get("value") if isinstance(found, dict) else found))
        return code_reference(label, path)

    def cited(self) -> Sequence[Cited]:
        """Give every figure that was written so far, in the order of the records."""
        return sorted(self._cited.values(), key=lambda one: ("EBVD".index(one.label[0]), one.label))

    def _written(self, cited: Cited) -> Markdown:
        if not _is_number(cited.value):
            return Markdown()
        self._remember(cited)
        return Markdown(f"{shown(cited)} {code_reference(cited.label, cited.path)}")

    def _remember(self, cited: Cited) -> None:
        self._cited.setdefault((cited.label, cited.path), cited)


def walked(record: Any, path: str) -> Any:
    """Follow a dotted way through JSON values; None where it leads nowhere."""
    for step in path.split("."):
        if isinstance(record, (list, tuple)) and step.isdigit() and int(step) < len(record):
            record = record[int(step)]
        elif isinstance(record, dict):
            record = record.get(step)
        else:
            return None
    return record


def shown(cited: Cited) -> str:
    """Write a figure as finely as its interval deserves, with the interval."""
    measure = Measure(name=cited.path, value=cited.value, lower=cited.lower, upper=cited.upper)
    interval = interval_text(measure)
    return f"{value_text(measure)} ({interval})" if interval else value_text(measure)


def code_reference(label: str, path: str) -> Markdown:
    """Write a reference in a form that no renderer reads as a link."""
    inner = code(f"{label} {path}").strip("`")
    return Markdown(f"`[{inner}]`")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
