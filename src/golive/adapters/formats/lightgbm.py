"""LightGBM: the text that ``Booster.save_model`` writes."""

import re
from pathlib import Path
from typing import Any

from golive.adapters.formats.boosting import head, read
from golive.errors import DataError

FIRST = b"tree\n"
PARAMETER = re.compile(r"\[\w+: .*\]")
_ANEW = "get a whole copy of it, or save the model anew with lightgbm"


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
            text = copy.read_text("utf-8")
            check_parameters(path, text)
            return lightgbm.Booster(model_str=text)

        return read(path, "lightgbm", "text", opened)


def check_parameters(path: Path, text: str) -> None:
    """Refuse a list of parameters that is cut: LightGBM reads beyond its end, and crashes one time and not the next.

    Raises:
        DataError: it has no end, or a line in it is no parameter.
    """
    lines = iter(text.splitlines())
    if "parameters:" not in lines:  # reads up to there
        return
    for line in lines:
        if line == "end of parameters":
            return
        if line and not PARAMETER.fullmatch(line):
            message = f"{path} has the line {line[:80]!r} among its parameters, which is none; {_ANEW}"
            raise DataError(message)
    message = f"{path} ends in the middle of its parameters; {_ANEW}"
    raise DataError(message)
