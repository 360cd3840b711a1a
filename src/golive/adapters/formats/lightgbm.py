"""LightGBM: the text that ``Booster.save_model`` writes."""

from pathlib import Path
from typing import Any

from golive.adapters.formats.boosting import head, read

FIRST = b"tree\n"


class LightgbmFormat:
    """Reads LightGBM's text files, whatever their name ends in (``.txt``, ``.lgb``)."""

    name = "lightgbm"

    def recognizes(self, path: Path) -> bool:
        """Say whether a file begins as LightGBM's text does."""
        return head(path).replace(b"\r\n", b"\n").startswith(FIRST)

    def read(self, path: Path) -> Any:
        """Give the ``lightgbm.Booster`` of a file.

        Raises:
            MissingExtraError: LightGBM is not installed.
            DataError: the file is too big, damaged or hostile.
        """

        def opened(lightgbm: Any, copy: Path) -> Any:
            return lightgbm.Booster(model_str=copy.read_text("utf-8"))

        return read(path, "lightgbm", "text", opened)
