"""skops: objects of scikit-learn without a pickle; a type that is not known to be harmless needs a person's trust."""

import zipfile
from pathlib import Path

import msgspec
import skops

from golive.control.sandbox.process import Sandbox, SandboxError
from golive.errors import DataError
from golive.ports import CodeFile

LIMIT_S = 60.0
MOST_BYTES = 8 << 30
"""Of all that is in the file, unpacked."""
_CHILD = "golive.adapters.formats.skops_child"


class SkopsFormat:
    """Reads ``.skops`` files; MLflow writes one for a model of scikit-learn."""

    name = "skops"

    def recognizes(self, path: Path) -> bool:
        """Say whether a path is a file whose name ends in ``.skops``."""
        return path.is_file() and path.suffix.lower() == ".skops"

    def read(self, path: Path) -> CodeFile:
        """List the types in the file that skops does not know to be harmless, in a sandbox.

        Raises:
            DataError: it is no file of skops, is damaged, or unpacks to more than any model.
        """
        _check_size(path)
        try:
            with Sandbox(_CHILD, "handler") as sandbox:
                told = sandbox.ask("list", str(path.resolve()).encode(), limit_s=LIMIT_S)
            loads = msgspec.msgpack.decode(told, type=tuple[str, ...])
        except (SandboxError, msgspec.DecodeError) as error:
            message = (
                f"{path} was read by skops {skops.__version__} in a process of its own, which {error}; "
                "fetch or save it again"
            )
            raise DataError(message) from error
        return CodeFile(path=path, handler=f"{_CHILD}:handler", loads=loads, runs_code=bool(loads))


def _check_size(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as file:
            size = sum(entry.file_size for entry in file.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        message = f"{path} is no file of skops, or one that was cut short ({error}); fetch or save it again"
        raise DataError(message) from error
    if size > MOST_BYTES:
        message = f"{path} unpacks to {size / 1e9:.0f} GB; it is no model, or was made to do harm"
        raise DataError(message)
