"""OCI: the shapes of image manifests and indexes, and a bundle as a ModelPack artifact. Pure."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import msgspec

from golive.domain.bundle import FileEntry, Manifest
from golive.domain.digest import Digest, digest_of
from golive.errors import UsageError, VerificationError

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
MODEL = "application/vnd.cncf.model.manifest.v1+json"
MODEL_CONFIG = "application/vnd.cncf.model.config.v1+json"
WEIGHT = "application/vnd.cncf.model.weight.v1.raw"
WEIGHT_CONFIG = "application/vnd.cncf.model.weight.config.v1.raw"

CREATED = "org.opencontainers.image.created"
TITLE = "org.opencontainers.image.title"
TAG = "org.opencontainers.image.ref.name"
FILEPATH = "org.cncf.model.filepath"
KIND = "dev.golive.kind"

MANIFEST_PATH = "golive.json"
EMPTY_CONTENT = b"{}"
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A pointer to a blob: OCI content descriptor."""

    media_type: str
    digest: Digest
    size: int
    artifact_type: str = ""
    annotations: dict[str, str] = {}


class ImageManifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An OCI image manifest."""

    schema_version: int = 2
    media_type: str = IMAGE
    artifact_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | msgspec.UnsetType = msgspec.UNSET
    annotations: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class ImageIndex(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An OCI image index: ``index.json``, and the list of what is attached to a bundle."""

    schema_version: int = 2
    media_type: str = INDEX
    manifests: tuple[Descriptor, ...] = ()


def encoded(value: Any) -> bytes:
    """Write a value as canonical JSON (sorted keys, no blanks)."""
    return msgspec.json.encode(value, order="sorted")


def describe(content: bytes, media_type: str, *, path: str = "") -> Descriptor:
    """Point at some bytes."""
    annotations = {FILEPATH: path, TITLE: path} if path else {}
    return Descriptor(media_type=media_type, digest=digest_of(content), size=len(content), annotations=annotations)


def checked_path(path: str) -> str:
    """Give the path back, or raise UsageError when it could leave the folder that a bundle is written into."""
    parts = path.split("/")
    bad = path == MANIFEST_PATH or "\\" in path or "\0" in path or PurePosixPath(path).is_absolute()
    if bad or any(part in {"", ".", ".."} for part in parts):
        message = (
            f"the file name {path!r} cannot be in a bundle: it must be relative, without '..' or backslashes, "
            f"and not {MANIFEST_PATH!r}"
        )
        raise UsageError(message)
    return path


def model_config(manifest: Manifest, layers: Sequence[Descriptor]) -> bytes:
    """Write the ModelPack config. It holds no time, so equal content has an equal digest."""
    return encoded(
        {
            "descriptor": {"name": manifest.name, "title": manifest.name},
            "config": {"format": PurePosixPath(manifest.graph).suffix.removeprefix(".") or "onnx"},
            "modelfs": {"type": "layers", "diffIds": [layer.digest for layer in layers]},
        }
    )


def model_layers(manifest: Manifest, files: Mapping[str, bytes]) -> tuple[tuple[Descriptor, bytes], ...]:
    """Give the layers of a bundle with their bytes: ``golive.json``, then the files by path.

    Raises:
        UsageError: a file name could leave the bundle's folder.
    """
    first = encoded(manifest)
    rest = ((checked_path(path), files[path]) for path in sorted(files))
    return (
        (describe(first, WEIGHT_CONFIG, path=MANIFEST_PATH), first),
        *(
            (describe(content, WEIGHT if path == manifest.graph else WEIGHT_CONFIG, path=path), content)
            for path, content in rest
        ),
    )


def file_entries(image: ImageManifest) -> tuple[FileEntry, ...]:
    """Read the files of a bundle off its image manifest; ``golive.json`` is not among them."""
    return tuple(
        FileEntry(
            path=checked_path(layer.annotations.get(FILEPATH, "")),
            digest=layer.digest,
            size=layer.size,
            media_type=layer.media_type,
        )
        for layer in image.layers
        if layer.annotations.get(FILEPATH) != MANIFEST_PATH
    )


def manifest_layer(image: ImageManifest, digest: Digest) -> Descriptor:
    """Find ``golive.json`` in an image manifest.

    Raises:
        VerificationError: there is none, so this is not a golive bundle.
    """
    for layer in image.layers:
        if layer.annotations.get(FILEPATH) == MANIFEST_PATH:
            return layer
    message = f"{digest!r} is not a golive bundle: it has no {MANIFEST_PATH!r}; name one that 'golive' has packed"
    raise VerificationError(message)


def referrers_tag(digest: Digest) -> str:
    """Name the list of what is attached to a digest (OCI distribution specification, referrers tag schema)."""
    return digest.replace(":", "-")
