"""Front: the YAML that stands before a model card and that the Hugging Face Hub reads.

The keys are those of its ``ModelCardData`` and ``EvalResult``. Every text is written as a JSON string, which YAML reads
as one value, whatever it holds.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from golive.domain.evidence import Measure
from golive.domain.signature import Task
from golive.evaluation.documents.known import Known
from golive.evaluation.documents.markdown import plain

_TASKS: Mapping[Task, str] = {"classification": "tabular-classification", "regression": "tabular-regression"}
_METRICS: Mapping[str, str] = {
    "auc": "roc_auc",
    "brier": "brier_score",
    "ece": "expected_calibration_error",
    "mcc": "matthews_correlation",
    "pr_auc": "average_precision",
    "r2": "r_squared",
    "spearman": "spearmanr",
}
"""golive's name -> the Hub's, where they differ."""


def front_matter(known: Known, names: Sequence[str]) -> str:
    """Write the front matter with the results of some metrics, by golive's names for them."""
    measures = [measure for name in names if (measure := known.evidence.find(name)) and math.isfinite(measure.value)]
    task = _TASKS.get(known.bundle.signature.task, "other")
    values: dict[str, Any] = {
        "library_name": "golive",
        "pipeline_tag": task,
        "tags": ["golive", known.bundle.manifest.runtime, task],
        "metrics": [_METRICS.get(measure.name, measure.name) for measure in measures],
        "model-index": [{"name": known.bundle.name, "results": [_result(known, task, measures)] if measures else []}],
    }
    return "\n".join(("---", *_mapping(values, 0), "---"))


def _result(known: Known, task: str, measures: Sequence[Measure]) -> dict[str, Any]:
    sources = list(known.bundle.manifest.lineage.data)
    dataset = {
        "name": sources[0] if sources else known.bundle.name,
        "type": "tabular",
        "split": "test" if known.evidence.rows_from == "test" else "given",
        "revision": str(known.evidence.data or known.bundle.digest),
    }
    return {"task": {"type": task}, "dataset": dataset, "metrics": [_metric(measure) for measure in measures]}


def _metric(measure: Measure) -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": _METRICS.get(measure.name, measure.name),
        "name": measure.name,
        "value": measure.value,
    }
    bounds = (measure.lower, measure.upper)
    if all(bound is not None and math.isfinite(bound) for bound in bounds):
        result["args"] = {"lower": measure.lower, "upper": measure.upper, "level": 0.95, "rows": measure.rows}
    return result


def _mapping(values: Mapping[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for key, value in values.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _mapping(value, depth + 1)
        elif isinstance(value, list):
            yield f"{indent}{key}:{'' if value else ' []'}"
            yield from (line for item in value for line in _item(item, depth))
        else:
            yield f"{indent}{key}: {_scalar(value)}"


def _item(item: Any, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if not isinstance(item, dict):
        yield f"{indent}- {_scalar(item)}"
        return
    # The first key stands behind the dash, the others under it.
    first, *others = _mapping(item, depth + 1)
    yield f"{indent}- {first.strip()}"
    yield from others


def _scalar(value: Any) -> str:
    return json.dumps(plain(value) if isinstance(value, str) else value, ensure_ascii=False)
