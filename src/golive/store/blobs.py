"""Blobs: bytes filed under the hash of those bytes, in an OCI image layout folder."""

import hashlib
from pathlib import Path

from golive.domain.digest import Digest, digest_of, is_digest
from golive.errors import DigestMismatchError, NotFoundError
from golive.store.files import TEMPORARY, write_whole

_CHUNK = 1 << 20


class Blobs:
    """The ``blobs/sha256`` folder of a layout; it is made when the first blob is put."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "blobs" / "sha256"

    def put(self, content: bytes) -> Digest:
        """Keep some bytes durably and give their name; bytes that are there already are not written again.

        Raises:
            UnavailableError: the disk is full or refuses; no half of a blob is left readable.
        """
        digest = digest_of(content)
        path = self._path(digest)
        if not (path.is_file() and _hash_of(path) == digest):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        return digest

    def get(self, digest: Digest) -> bytes:
        """Give the bytes of that name, checked.

        Raises:
            NotFoundError: there are none.
            DigestMismatchError: the stored bytes were damaged or altered.
        """
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            message = f"there is no blob {digest!r} in {str(self._folder)!r}; pack the model again or restore a backup"
            raise NotFoundError(message) from error
        found = digest_of(content)
        if found != digest:
            message = (
                f"the blob {digest!r} holds other bytes (their digest is {found!r}): it was damaged or altered; "
                "restore it from a backup or pack the model again"
            )
            raise DigestMismatchError(message)
        return content

    def remove(self, digest: Digest) -> None:
        """Forget the bytes of that name, which nothing may name any more."""
        self._path(digest).unlink(missing_ok=True)

    def size(self, digest: Digest) -> int:
        """Give the size of a blob in bytes, unchecked.

        Raises:
            NotFoundError: there is no such blob.
        """
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError as error:
            message = f"there is no blob {digest!r} in {str(self._folder)!r}"
            raise NotFoundError(message) from error

    def sweep(self) -> None:
        """Remove what killed writers left; only to be called where no other writer can be at work."""
        for path in self._folder.glob(f"{TEMPORARY}*"):
            path.unlink(missing_ok=True)

    def _path(self, digest: Digest) -> Path:
        if not is_digest(digest):
            message = f"{digest!r} is not a digest ('sha256:' and 64 hexadecimal digits), so no blob has that name"
            raise NotFoundError(message)
        return self._folder / digest.removeprefix("sha256:")


def _hash_of(path: Path) -> Digest:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            state.update(piece)
    return Digest("sha256:" + state.hexdigest())
