"""Requirements: what a file of code needs, as a person lists it."""

import re
from pathlib import Path

from golive.errors import DataError

_REQUIREMENT = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9._, -]+\])?((?:\s*(?:===?|[<>~!]=|[<>])\s*[\w.*+!-]+,?)*)"
)


def read_requirements(path: Path) -> tuple[str, ...]:
    """Read names and versions, one a line, as ``pip freeze`` writes them.

    Raises:
        DataError: a line is more than that, such as an option, a path or a URL; or there is no such file.
    """
    try:
        lines = [line.partition(" #")[0].strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read as a list of requirements ({error}); write one with `pip freeze`"
        raise DataError(message) from error
    found = [line for line in lines if line and not line.startswith("#")]
    strange = [line for line in found if not _REQUIREMENT.fullmatch(line)]
    if strange:
        message = f"{path} has the line {strange[0]!r}, and names with versions are taken only (scikit-learn==1.7.2)"
        raise DataError(message)
    return tuple(found)
