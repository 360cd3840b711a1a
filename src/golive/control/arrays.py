"""Arrays by name, as numpy writes them to a file."""

import zipfile
from pathlib import Path

import numpy as np

from golive.errors import DataError
from golive.ports import Column


def read_arrays(path: Path, only: str = "") -> dict[str, Column]:
    """Read arrays by name, as ``numpy.savez`` writes them; pickled objects among them are refused.

    ``only`` is the name that the array of an ``.npy`` file gets; without one such a file is refused, too.

    Raises:
        DataError: the file is not there, damaged, or holds more than arrays.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if not isinstance(found, np.ndarray):
            with found:
                return dict(found)
        reason = "it holds one array, which has no name"
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        # What numpy says next is how to load it with its code.
        reason = str(error).partition(". ")[0]
        raise DataError(_unread(path, reason)) from error
    if only:
        return {only: found}
    raise DataError(_unread(path, reason))


def _unread(path: Path, reason: str) -> str:
    return (
        f"{path} cannot be read as arrays by name ({reason}); write it with "
        "numpy.savez(path, first_input=array, second_input=array)"
    )
