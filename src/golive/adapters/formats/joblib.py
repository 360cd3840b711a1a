"""joblib and pickle: listed, never loaded here; loading is the sandbox's, and only where a person trusts the file."""

from pathlib import Path

from golive.adapters.formats.opcodes import listing
from golive.adapters.formats.packed import Packed
from golive.errors import DataError
from golive.ports import CodeFile

SUFFIXES = {".joblib", ".jbl", ".pkl", ".pickle", ".sav", ".p"}
PACKED = {".gz", ".z", ".bz2", ".xz", ".lzma"}
HANDLER = "golive.adapters.formats.joblib_child:handler"


class JoblibFormat:
    """Reads what stands in ``.joblib``, ``.pkl``, ``.pickle`` and ``.sav`` files, compressed or not."""

    name = "joblib"

    def recognizes(self, path: Path) -> bool:
        """Say whether a path is a file with the ending of a pickle."""
        endings = [suffix.lower() for suffix in path.suffixes]
        if endings and endings[-1] in PACKED:
            endings.pop()
        return path.is_file() and bool(endings) and endings[-1] in SUFFIXES

    def read(self, path: Path) -> CodeFile:
        """List the classes and functions that loading the file would call.

        Raises:
            DataError: it is no pickle, or a damaged or hostile one.
        """
        try:
            with path.open("rb") as file:
                found = listing(Packed(file))
        except DataError as error:
            message = f"{path} cannot be imported: {error.message}; fetch or save it again"
            raise DataError(message) from error
        return CodeFile(path=path, handler=HANDLER, loads=found.loads, saved_by=found.saved_by)
