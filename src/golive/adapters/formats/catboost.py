"""CatBoost: the ``.cbm`` and ``.json`` files that ``save_model`` writes."""

import re
from pathlib import Path
from typing import Any

from golive.adapters.formats.boosting import head, read

BINARY = b"CBM1"
TEXT = re.compile(rb'\s*\{\s*"(ctr_data|features_info|model_info|oblivious_trees|trees)"\s*:')


class CatboostFormat:
    """Reads CatBoost's files, whatever their name ends in."""

    name = "catboost"

    def recognizes(self, path: Path) -> bool:
        """Say whether a file begins as CatBoost's do."""
        first = head(path)
        return first.startswith(BINARY) or TEXT.match(first) is not None

    def read(self, path: Path) -> Any:
        """Give the ``catboost.CatBoost`` of a file.

        Raises:
            MissingExtraError: CatBoost is not installed.
            DataError: the file is too big, damaged or hostile.
        """
        kind = "cbm" if head(path).startswith(BINARY) else "json"

        def opened(catboost: Any, copy: Path) -> Any:
            return catboost.CatBoost().load_model(str(copy), format=kind)

        return read(path, "catboost", kind, opened)
