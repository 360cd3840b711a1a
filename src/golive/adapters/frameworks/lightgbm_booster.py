"""LightGBM's own ``Booster``: fitted by ``lightgbm.train``, or read from a file."""

from typing import Any

import numpy as np
import pandas as pd

from golive.adapters.frameworks.booster_categories import as_categories, categories_of
from golive.adapters.frameworks.boosters import emitter_of, finished, in_order, is_of, numbered
from golive.adapters.frameworks.inputs import Columns, is_text
from golive.adapters.frameworks.lightgbm import BINARY, SEVERAL, objective_of, write
from golive.errors import NotConvertibleError
from golive.ports import Converted, Float64


class LightgbmFramework:
    """Converts boosters of LightGBM, and asks the originals. The library is not imported here."""

    name = "lightgbm"

    def recognizes(self, model: object) -> bool:
        """Say whether this object is a ``lightgbm.Booster``."""
        return is_of(model, "lightgbm", "Booster")

    def convert(self, model: Any, sample: Any, *, target: str) -> Converted:
        """Convert a booster; the classes of a classifier are numbered from 0, as it knows them.

        Args:
            model: A fitted ``lightgbm.Booster``; after early stopping it is written up to its best iteration.
            sample: Rows as it saw them, as a DataFrame with its columns, or an array with as many.
            target: The name of what is predicted.

        Raises:
            NotConvertibleError: a column is not there, or a part has no exact form; the message names it.
        """
        rows = in_order(sample, model.feature_name())
        emitter = emitter_of(rows)
        classes = numbered(_class_count(model))
        answer = write(emitter, model, model, Columns(emitter.inputs.names), classes=bool(classes))
        return finished(emitter, answer, target=target, classes=classes)

    def predict(self, model: Any, rows: Any) -> Float64:
        """Ask the original: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities."""
        answer = np.asarray(model.predict(_as_trained(model, in_order(rows, model.feature_name()))), np.float64)
        if _objective(model) == BINARY:
            return np.column_stack([1.0 - answer, answer])
        return answer.reshape(len(answer), -1)


def _objective(model: Any) -> str:
    return objective_of(model.dump_model(num_iteration=1)).partition(" ")[0]


def _class_count(model: Any) -> int:
    objective = _objective(model)
    if objective == BINARY:
        return 2
    if objective in SEVERAL:
        return int(model.num_model_per_iteration())
    if model.num_model_per_iteration() > 1:
        message = (
            f"a Booster fitted with the objective {objective!r} gives {model.num_model_per_iteration()} values a row "
            f"and golive does not know what they mean; use one of {', '.join((BINARY, *SEVERAL))}"
        )
        raise NotConvertibleError(message)
    return 0


def _as_trained(model: Any, rows: pd.DataFrame) -> Any:
    known = categories_of(model, [is_text(name, rows[name]) for name in rows.columns]) or {}
    columns = {
        name: as_categories(rows[name], known[place]) if place in known else rows[name].astype(np.float64)
        for place, name in enumerate(rows.columns)
    }
    frame = pd.DataFrame(columns, index=rows.index)
    return frame if model.pandas_categorical else frame.to_numpy()
