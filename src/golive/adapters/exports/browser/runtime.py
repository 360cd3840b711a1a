"""Browser runtime: ONNX Runtime for the browser, one pinned version; its bytes are checked wherever they come from.

It is 14 MB and not golive's to give, so it is no part of the package: it is fetched once from npm's registry and kept
in the cache, or read from an archive or a folder that the caller names.
"""

import hashlib
import io
import tarfile
import tempfile
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import httpx
import msgspec

from golive.errors import DataError, DigestMismatchError, UnavailableError

_LARGEST = 100 * 1024 * 1024
_TIMEOUT_S = 60.0


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one npm package, and which of its files are wanted."""

    package: str
    version: str
    integrity: str
    """The archive's sha512, in base64, as the registry names it."""
    parts: Mapping[str, str]
    """File name in the package's ``dist`` -> its sha256, in hexadecimal digits."""

    @property
    def archive(self) -> str:
        """What npm calls the archive."""
        return f"{self.package}-{self.version}.tgz"

    @property
    def remedy(self) -> str:
        """How to bring the archive from elsewhere."""
        return (
            f"run `npm pack {self.package}@{self.version}` where a registry can be reached, and give the file with "
            f"--option ort={self.archive}"
        )


ONNXRUNTIME_WEB = Pinned(
    package="onnxruntime-web",
    version="1.30.0",
    integrity="q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
    parts=MappingProxyType(
        {
            "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
            "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
        }
    ),
)


def runtime_parts(
    source: Path | None,
    *,
    cache: Path,
    registry: str,
    pinned: Pinned = ONNXRUNTIME_WEB,
    transport: httpx.BaseTransport | None = None,
) -> dict[str, bytes]:
    """Give the runtime's files by name.

    Args:
        source: npm's archive, or a folder it was unpacked to; None takes the cache, else the registry.
        cache: A folder that keeps what was fetched, under the name of package and version.
        registry: The address of a registry that speaks as npm's does.
        pinned: Which version, and the digests of its bytes.
        transport: Carries the request; the network where none is given.

    Raises:
        DataError: the source is no such archive or folder.
        DigestMismatchError: it is another version, or was altered.
        UnavailableError: the registry did not give the archive.
    """
    if source is not None:
        return _given(source, pinned)
    kept = cache / f"{pinned.package}-{pinned.version}"
    known = _kept(kept, pinned)
    if known is None:
        known = _unpacked(_fetched(registry, pinned, transport), registry, pinned)
        _keep(known, kept)
    return known


def _given(source: Path, pinned: Pinned) -> dict[str, bytes]:
    try:
        if source.is_dir():
            return _checked(_in_folder(source, pinned), str(source), pinned)
        if source.stat().st_size <= _LARGEST:
            return _unpacked(source.read_bytes(), str(source), pinned)
    except OSError as error:
        message = f"ort={str(source)!r} cannot be read ({error.strerror or error}); {pinned.remedy}"
        raise DataError(message) from error
    message = f"ort={str(source)!r} has over {_LARGEST:,} bytes and is not {pinned.archive}; {pinned.remedy}"
    raise DataError(message)


def _in_folder(folder: Path, pinned: Pinned) -> dict[str, bytes]:
    """Read the files from a package, from what npm's archive unpacks to, or from where they stand side by side."""
    inner = next(filter(Path.is_dir, (folder / "package" / "dist", folder / "dist")), folder)
    return {name: (inner / name).read_bytes() for name in pinned.parts}


def _kept(folder: Path, pinned: Pinned) -> dict[str, bytes] | None:
    """Give what the cache holds; None where a part is absent or altered, and is fetched again."""
    try:
        return _checked(_in_folder(folder, pinned), str(folder), pinned)
    except (OSError, DigestMismatchError):
        return None


def _fetched(registry: str, pinned: Pinned, transport: httpx.BaseTransport | None) -> bytes:
    address = f"{registry}/{pinned.package}/-/{pinned.archive}"
    content = bytearray()
    try:
        with (
            httpx.Client(transport=transport, timeout=_TIMEOUT_S, follow_redirects=True) as client,
            client.stream("GET", address) as answer,
        ):
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > _LARGEST:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"{pinned.archive} could not be fetched from {address} ({reason}); {pinned.remedy}"
        raise UnavailableError(message) from error
    return bytes(content)


def _unpacked(archive: bytes, place: str, pinned: Pinned) -> dict[str, bytes]:
    """Take the parts out of npm's archive; its digest is checked before it is opened."""
    if hashlib.sha512(archive).digest() != b64decode(pinned.integrity):
        message = f"what {place!r} gave is not {pinned.archive}: its sha512 is another; {pinned.remedy}"
        raise DigestMismatchError(message)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        for name in pinned.parts:
            member = opened.extractfile(f"package/dist/{name}")
            found[name] = b"" if member is None else member.read()
    return _checked(found, place, pinned)


def _checked(parts: dict[str, bytes], place: str, pinned: Pinned) -> dict[str, bytes]:
    for name, content in parts.items():
        if hashlib.sha256(content).hexdigest() != pinned.parts[name]:
            message = f"{name} in {place!r} is not that of {pinned.package} {pinned.version}; {pinned.remedy}"
            raise DigestMismatchError(message)
    return parts


def _keep(parts: Mapping[str, bytes], kept: Path) -> None:
    """Keep the parts for the next time; a cache that cannot be written is done without."""
    try:
        kept.mkdir(parents=True, exist_ok=True)
        for name, content in parts.items():
            with tempfile.NamedTemporaryFile(dir=kept, delete=False) as unfinished:
                unfinished.write(content)
            Path(unfinished.name).replace(kept / name)
    except OSError:
        return
