"""XGBoost: the JSON and UBJSON that ``save_model`` writes."""

import json
from pathlib import Path
from typing import Any

from golive.adapters.formats.boosting import head, read
from golive.errors import DataError

OLD = b"binf"
"""How the binary form begins that XGBoost wrote before version 1.0 and stopped reading in 3.1."""


class XgboostFormat:
    """Reads XGBoost's ``.json`` and ``.ubj`` files, whatever their name ends in."""

    name = "xgboost"

    def recognizes(self, path: Path) -> bool:
        """Say whether a file begins as XGBoost's do."""
        return bool(_kind(head(path))) or head(path).startswith(OLD)

    def read(self, path: Path) -> Any:
        """Give the ``xgboost.Booster`` of a file.

        A file that one of the scikit-learn estimators wrote after early stopping holds more trees than the estimator
        answers with; those after the best iteration are left out.

        Raises:
            MissingExtraError: XGBoost is not installed.
            DataError: the file is too big, damaged, hostile, or of a form that is no longer read.
        """
        kind = _kind(head(path))
        if not kind:
            message = f"{path} is in XGBoost's old binary form; load it with XGBoost 3.0 or older and save it as .json"
            raise DataError(message)

        def opened(xgboost: Any, copy: Path) -> Any:
            model = xgboost.Booster()
            model.load_model(bytearray(copy.read_bytes()))
            return _as_estimator(model)

        return read(path, "xgboost", kind, opened)


def _kind(first: bytes) -> str:
    if not first.startswith(b"{") or b"learner" not in first:
        return ""
    return "json" if first[1:].lstrip().startswith(b'"') else "ubj"


def _as_estimator(model: Any) -> Any:
    told = model.attributes()
    is_estimator = "_estimator_type" in json.loads(told.get("scikit_learn", "{}"))
    if is_estimator and "best_iteration" in told:
        return model[: int(told["best_iteration"]) + 1]
    return model
