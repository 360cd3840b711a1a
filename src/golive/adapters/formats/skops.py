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
MOST_GROWTH = 50
"""So many times the size of the file its contents may have: arrays of zeros pack well."""
FREE_BYTES = 64 << 20
"""Contents of up to this size are let pass, however small the file is."""
MOST_TEXT_BYTES = 64 << 20
"""Of the description of the objects, which is read whole."""
_TEXT = "schema.json"
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
            sizes = [(entry.filename, entry.file_size) for entry in file.infolist()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        message = f"{path} is no file of skops, or one that was cut short ({error}); fetch or save it again"
        raise DataError(message) from error
    whole = sum(size for _, size in sizes)
    text = sum(size for name, size in sizes if name == _TEXT)
    allowed = min(MOST_BYTES, max(FREE_BYTES, MOST_GROWTH * path.stat().st_size))
    if whole > allowed or text > MOST_TEXT_BYTES:
        message = (
            f"{path} unpacks from {path.stat().st_size:,} to {whole:,} bytes, {text:,} of them text; it is no model, "
            "or was made to do harm"
        )
        raise DataError(message)
