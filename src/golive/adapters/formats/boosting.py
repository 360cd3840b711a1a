"""What the readers of boosting models share: a file is tried in a sandbox before it is opened here.

The parsers of these libraries are C++ that trusts its input: a damaged file may end the process that reads it, or
give a model that does so at its first row. So a sandbox reads it first, walks its trees, and asks it for some rows.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from golive import plugins
from golive.control.sandbox.process import MEMORY_BYTES, Sandbox, SandboxError
from golive.errors import DataError, UsageError

LIMIT_S = 120.0
"""How long a file may take to be opened and tried."""
MOST_BYTES = 512 << 20
HEAD = 512
"""So many first bytes tell what a file is."""
_COPIES = 16
"""So many times its own size a file may take in memory while it is looked at."""
_CHILD = "golive.adapters.formats.boosting_child"


def head(path: Path) -> bytes:
    """Give the first bytes of a file, or nothing of a folder."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(HEAD)


def read(path: Path, library: str, kind: str, opened: Callable[[Any, Path], Any]) -> Any:
    """Try a model file in a sandbox, then open it here.

    Args:
        path: The file.
        library: The one that reads it, by its name on import.
        kind: How the file is written: a word for the sandbox and for the library.
        opened: Opens the very bytes that were tried, given the library and a file of them.

    Raises:
        MissingExtraError: the library is not installed; the message names the extra.
        DataError: the file is too big, damaged or hostile.
    """
    module = plugins.library(library)
    if (size := path.stat().st_size) > MOST_BYTES:
        message = (
            f"{path} has {size / 1e6:.0f} MB, more than the {MOST_BYTES / 1e6:.0f} MB that are read of a boosting "
            "model; fit it with fewer trees"
        )
        raise DataError(message)
    with tempfile.TemporaryDirectory(prefix="golive-model-") as folder:
        # A copy: what was tried must be what is opened.
        copy = Path(folder) / "model"
        copy.write_bytes(path.read_bytes())
        _try(path, copy, f"{library} {kind}", size)
        return opened(module, copy)


def _try(path: Path, copy: Path, verb: str, size: int) -> None:
    damaged = f"save the model anew with {verb.partition(' ')[0]}"
    try:
        with Sandbox(_CHILD, "handler", memory_bytes=MEMORY_BYTES + _COPIES * size) as sandbox:
            sandbox.ask(verb, str(copy).encode(), limit_s=LIMIT_S)
    except SandboxError as error:
        message = (
            f"{path} was opened in a process of its own, which {error}; it is damaged or made to do harm, {damaged}"
        )
        raise DataError(message) from error
    except UsageError as error:
        message = f"{path} cannot be read: {error.message}; {damaged}"
        raise DataError(message) from error
