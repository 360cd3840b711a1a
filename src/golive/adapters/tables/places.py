"""Places: files here and objects in a store (``s3://bucket/key``), opened alike."""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.fs

from golive.errors import DataError, UnavailableError
from golive.store.files import refused, sync_folder

_STORE = "s3://"
_CHUNK_BYTES = 8 << 20


class Stored:
    """An object in a store."""

    def __init__(self, url: str) -> None:
        self._url = url
        name = PurePosixPath(url.partition("?")[0])
        self.suffix, self.suffixes = name.suffix, name.suffixes

    def open(self, mode: str = "rb") -> Any:
        """Open it for reading bytes at any place."""
        del mode
        filesystem, path = _store(self._url)
        return filesystem.open_input_file(path)

    def __str__(self) -> str:
        return self._url


Place = Path | Stored


def place_of(text: str) -> Place:
    """Give the file or the object that a text names."""
    return Stored(text) if text.startswith(_STORE) else Path(text)


def open_bytes(place: Place) -> BinaryIO:
    """Open a place for reading bytes at any offset.

    Raises:
        DataError: there is nothing of that name.
        UnavailableError: the store does not answer, or does not let this user in.
    """
    return cast("BinaryIO", _opened(place, lambda: place.open("rb")))


def open_native(place: Place) -> Any:
    """Open a place as Arrow reads it fastest.

    Raises:
        DataError: there is nothing of that name.
        UnavailableError: the store does not answer, or does not let this user in.
    """
    return _opened(place, place.open if isinstance(place, Stored) else lambda: pa.OSFile(str(place)))


def _opened(place: Place, opening: Callable[[], Any]) -> Any:
    try:
        return opening()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise absent(place) from error
    except (OSError, pa.ArrowInvalid) as error:
        message = f"{place} cannot be read: {error}; see that it is there and that this user may read it"
        raise (UnavailableError if isinstance(place, Stored) else DataError)(message) from error


def absent(place: object) -> DataError:
    """Say that there is no such file."""
    return DataError(f"there is no file {place}; check its name")


def state(text: str) -> str:
    """Say which state of a file or object this is, by its size and time of change; empty: there is none."""
    if text.startswith(_STORE):
        filesystem, path = _store(text)
        try:
            info = filesystem.get_file_info(path)
        except OSError as error:
            raise _unreachable(text, error) from error
        return "" if info.type == pa.fs.FileType.NotFound else f"{info.size} {info.mtime_ns}"
    try:
        status = Path(text).stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def deliver(whole: Path, text: str) -> None:
    """Make a file appear at a place in one step; the file is used up.

    Raises:
        UnavailableError: the disk or the store refuses.
    """
    if not text.startswith(_STORE):
        target = Path(text)
        try:
            whole.replace(target)
            sync_folder(target.absolute().parent)
        except OSError as error:
            raise refused(target, error) from error
        return
    filesystem, key = _store(text)
    try:
        # An object appears when its stream is closed; an error on the way leaves none.
        with whole.open("rb") as file, filesystem.open_output_stream(key) as sink:
            while chunk := file.read(_CHUNK_BYTES):
                sink.write(chunk)
    except OSError as error:
        raise _unreachable(text, error) from error
    whole.unlink()


def _store(url: str) -> tuple[Any, str]:
    try:
        filesystem, path = pa.fs.FileSystem.from_uri(url)
    except (OSError, pa.ArrowException) as error:
        raise _unreachable(url, error) from error
    return filesystem, path


def _unreachable(url: str, error: Exception) -> UnavailableError:
    return UnavailableError(f"{url} cannot be reached: {error}; check the URL, the region and the keys for it")


class TableFile:
    """What all formats do alike whose tables are files, or objects in a store."""

    def state(self, place: str, options: Mapping[str, Any]) -> str:
        """Tell one state of a file from another; empty: there is none."""
        del options
        return state(place)

    def deliver(self, whole: Path, place: str, options: Mapping[str, Any]) -> None:
        """Make a joined file appear at a place.

        Raises:
            UnavailableError: the disk or the store refuses.
        """
        del options
        deliver(whole, place)
