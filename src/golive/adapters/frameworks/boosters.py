"""Boosters: what the native models of LightGBM, XGBoost and CatBoost have in common on their way into a bundle.

They know columns by place or by a name of their own spelling, and classes by number only.
"""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from golive.adapters.frameworks.emitter import Emitter
from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.inputs import Inputs, frame_of
from golive.domain.bundle import Decision
from golive.domain.signature import DType, Signature
from golive.errors import NotConvertibleError
from golive.ports import Converted

NO_NAME = re.compile(r"(Column_|f|x)?\d+")
"""What the libraries call columns that came without a name, and golive those of an array."""
SHOWN = 5


def is_of(model: object, package: str, *names: str) -> bool:
    """Say whether an object is of one of a library's classes (or of a subclass), without importing the library."""
    return any(cls.__module__.partition(".")[0] == package and cls.__name__ in names for cls in type(model).__mro__)


def in_order(sample: Any, names: Sequence[str]) -> pd.DataFrame:
    """Give the columns that a booster reads, in its order: found by name, or by place where there are no names.

    Args:
        sample: A DataFrame, or a 2-d array.
        names: What the booster calls its columns. LightGBM writes ``_`` for whatever is neither letter nor digit.

    Raises:
        NotConvertibleError: a column is not there, or there are no names and the number of columns differs.
    """
    frame = frame_of(sample)
    if set(names) <= set(frame.columns):
        return frame[list(names)]
    spelled = {_spelled(name): name for name in frame.columns}
    wanted = [_spelled(name) for name in names]
    if set(wanted) <= set(spelled) and len(spelled) == len(frame.columns):
        return frame[[spelled[name] for name in wanted]]
    nameless = all(map(NO_NAME.fullmatch, names)) or all(map(NO_NAME.fullmatch, frame.columns))
    if nameless and len(names) == len(frame.columns):
        return frame
    absent = [name for name in names if _spelled(name) not in spelled]
    message = (
        f"the model reads {len(names)} columns ({_listed(names)}), but the sample has {len(frame.columns)} "
        f"({_listed(list(frame.columns))}), and not {_listed(absent)}; give the columns that the model was fitted on, "
        "under the same names"
    )
    raise NotConvertibleError(message)


def emitter_of(rows: pd.DataFrame) -> Emitter:
    """Begin a conversion of a model that has no parts."""
    return Emitter(Inputs(rows, {}), transformers={}, answers={}, decisions={})


def finished(
    emitter: Emitter,
    answer: Block,
    *,
    target: str,
    classes: Sequence[str] = (),
    class_dtype: DType = "int64",
    decision: Decision | None = None,
    notes: tuple[str, ...] = (),
) -> Converted:
    """Close a conversion: with class labels a classification, without a regression."""
    preparation = emitter.inputs.preparation()
    return Converted(
        graph=emitter.graph.finish(answer, numbers=len(preparation.numbers), categories=len(preparation.categories)),
        preparation=preparation,
        signature=Signature(
            inputs=emitter.inputs.fields(),
            task="classification" if classes else "regression",
            target=target,
            classes=tuple(classes),
            class_dtype=class_dtype if classes else "string",
        ),
        decision=decision or Decision(),
        thresholds=emitter.graph.thresholds(),
        notes=notes,
        tolerance=emitter.tolerance,
    )


def numbered(count: int) -> tuple[str, ...]:
    """Give the labels of classes that are known by number only: ``0`` to ``count - 1``."""
    return tuple(str(place) for place in range(count))


def _spelled(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(repr(name) for name in list(names)[:SHOWN]) + more
