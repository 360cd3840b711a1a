"""Bundle store: bundles and what is attached to them, as an OCI image layout that any OCI tool can copy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from golive.domain.bundle import Bundle, Manifest
from golive.domain.digest import Digest
from golive.domain.evidence import Evidence
from golive.errors import NotFoundError, UsageError, VerificationError
from golive.store import oci
from golive.store.blobs import Blobs
from golive.store.files import locked, refused, write_whole

EVIDENCE = "application/vnd.golive.evidence.v1+json"
_LEAST_PREFIX = 4
_FORMAT = 1
"""The newest format of ``golive.json`` that is understood."""
_Shape = TypeVar("_Shape")


class _Made(msgspec.Struct, frozen=True):
    """The one part of ``golive.json`` that every format has."""

    format: int = 1


class BundleStore:
    """Keeps bundles by digest. Safe for several processes; ``index.json`` is written last, so a bundle is there whole.

    Nothing is written before the first bundle comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = Blobs(folder)

    def write(self, manifest: Manifest, files: Mapping[str, bytes], *, created_at: str) -> Bundle:
        """Keep a bundle durably; equal content gives the equal digest and is kept once, with its first time.

        Args:
            manifest: becomes ``golive.json``.
            files: bundle path -> content; must hold ``manifest.graph``.
            created_at: ISO 8601, UTC; not part of the digest.

        Raises:
            UsageError: a file name is not allowed, or the graph is missing.
            UnavailableError: the disk is full or refuses; the store is as it was.
        """
        if manifest.graph not in files:
            message = f"the bundle {manifest.name!r} lacks its graph {manifest.graph!r}; its files are {sorted(files)}"
            raise UsageError(message)
        layers = oci.model_layers(manifest, files)
        descriptors = tuple(layer for layer, _ in layers)
        config = oci.model_config(manifest, descriptors)
        image = oci.encoded(
            oci.ImageManifest(
                artifact_type=oci.MODEL, config=oci.describe(config, oci.MODEL_CONFIG), layers=descriptors
            )
        )
        self._prepare()
        with locked(self._folder / ".lock"):
            self._blobs.sweep()
            for content in (*(content for _, content in layers), config, image):
                self._blobs.put(content)
            self._list_bundle(oci.describe(image, oci.IMAGE), manifest.name, created_at)
        return self.open(oci.describe(image, oci.IMAGE).digest)

    def open(self, digest: Digest) -> Bundle:
        """Open a bundle; its files are read and checked by :meth:`files`.

        Raises:
            NotFoundError: it is not in this store.
            DigestMismatchError: its manifest was damaged or altered.
            VerificationError: it is not a golive bundle, or a newer golive made it.
        """
        for entry in self._bundle_entries():
            if entry.digest == digest:
                return self._read(entry)
        message = f"there is no bundle {digest!r} in {str(self._folder)!r}; `golive list` shows those that are there"
        raise NotFoundError(message)

    def files(self, bundle: Bundle) -> dict[str, bytes]:
        """Read all files of a bundle, each checked against its digest: path -> content, without ``golive.json``.

        Raises:
            NotFoundError: a file is gone.
            DigestMismatchError: a file was damaged or altered.
        """
        return {entry.path: self._blobs.get(entry.digest) for entry in bundle.files}

    def list(self) -> tuple[Bundle, ...]:
        """Open every bundle, oldest first.

        Raises:
            DigestMismatchError: the manifest of one was damaged or altered.
        """
        return tuple(self._read(entry) for entry in self._bundle_entries())

    def find(self, prefix: str) -> Bundle:
        """Open the one bundle whose digest begins so (with or without ``sha256:``, at least four digits).

        Raises:
            NotFoundError: there is none.
            UsageError: the beginning is too short, or fits several.
        """
        start = prefix.removeprefix("sha256:")
        if len(start) < _LEAST_PREFIX:
            message = f"{prefix!r} is too short to name a bundle; give at least {_LEAST_PREFIX} digits of its digest"
            raise UsageError(message)
        fits = [entry for entry in self._bundle_entries() if entry.digest.removeprefix("sha256:").startswith(start)]
        if len(fits) > 1:
            message = f"{prefix!r} fits {len(fits)} bundles; give more digits: {', '.join(fit.digest for fit in fits)}"
            raise UsageError(message)
        return self.open(fits[0].digest if fits else Digest(prefix))

    def attach(self, bundle: Digest, *, kind: str, content: bytes, media_type: str, at: str) -> Digest:
        """Attach some bytes to a bundle from outside, durably; its digest does not change.

        Returns:
            The digest of the attachment (an OCI manifest whose ``subject`` is the bundle).

        Raises:
            NotFoundError: the bundle is not in this store.
            UnavailableError: the disk is full or refuses; the store is as it was.
        """
        subject = self._subject(bundle)
        image = oci.encoded(
            oci.ImageManifest(
                artifact_type=media_type,
                config=oci.describe(oci.EMPTY_CONTENT, oci.EMPTY),
                layers=(oci.describe(content, media_type),),
                subject=subject,
                annotations={oci.KIND: kind, oci.CREATED: at},
            )
        )
        entry = msgspec.structs.replace(
            oci.describe(image, oci.IMAGE), artifact_type=media_type, annotations={oci.KIND: kind, oci.CREATED: at}
        )
        with locked(self._folder / ".lock"):
            self._blobs.sweep()
            for blob in (oci.EMPTY_CONTENT, content, image):
                self._blobs.put(blob)
            self._list_attachment(bundle, entry)
        return entry.digest

    def attached(self, bundle: Digest, kind: str) -> tuple[bytes, ...]:
        """Read what is attached to a bundle under one kind, each checked, oldest first.

        Raises:
            NotFoundError: an attachment is gone.
            DigestMismatchError: an attachment was damaged or altered.
        """
        entries = [entry for entry in self._readable_referrers(bundle) if entry.annotations.get(oci.KIND) == kind]
        images = [self._image(entry.digest) for entry in entries]
        return tuple(self._blobs.get(layer.digest) for image in images for layer in image.layers)

    def attach_evidence(self, evidence: Evidence) -> Digest:
        """Attach evidence to the bundle that it is about.

        Raises:
            NotFoundError: the bundle is not in this store.
        """
        content = oci.encoded(evidence)
        return self.attach(
            evidence.bundle, kind="evidence", content=content, media_type=EVIDENCE, at=evidence.measured_at
        )

    def evidence(self, bundle: Digest) -> tuple[Evidence, ...]:
        """Read all evidence about a bundle, oldest first; evidence attached twice is given once."""
        found = dict.fromkeys(self.attached(bundle, "evidence"))
        return tuple(_decode(content, Evidence, f"evidence about {bundle!r}") for content in found)

    def _prepare(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(self._folder, error) from error
        layout = self._folder / "oci-layout"
        if not layout.is_file():
            write_whole(layout, oci.LAYOUT)

    def _index(self) -> oci.ImageIndex:
        path = self._folder / "index.json"
        if not path.is_file():
            return oci.ImageIndex()
        return _decode(path.read_bytes(), oci.ImageIndex, str(path))

    def _bundle_entries(self) -> tuple[oci.Descriptor, ...]:
        return tuple(entry for entry in self._index().manifests if entry.artifact_type == oci.MODEL)

    def _image(self, digest: Digest) -> oci.ImageManifest:
        return _decode(self._blobs.get(digest), oci.ImageManifest, digest)

    def _read(self, entry: oci.Descriptor) -> Bundle:
        image = self._image(entry.digest)
        layer = oci.manifest_layer(image, entry.digest)
        return Bundle(
            digest=entry.digest,
            manifest=_manifest(self._blobs.get(layer.digest), entry.digest),
            files=oci.file_entries(image),
            created_at=entry.annotations.get(oci.CREATED, ""),
        )

    def _subject(self, bundle: Digest) -> oci.Descriptor:
        for entry in self._bundle_entries():
            if entry.digest == bundle:
                return oci.Descriptor(media_type=oci.IMAGE, digest=bundle, size=entry.size)
        message = f"nothing can be attached to {bundle!r}: it is not in {str(self._folder)!r}; pack the model first"
        raise NotFoundError(message)

    def _list_bundle(self, entry: oci.Descriptor, name: str, created_at: str) -> None:
        index = self._index()
        if any(known.digest == entry.digest for known in index.manifests):
            return
        listed = msgspec.structs.replace(
            entry, artifact_type=oci.MODEL, annotations={oci.CREATED: created_at, oci.TITLE: name}
        )
        self._write_index((*index.manifests, listed))

    def _referrers(self, bundle: Digest) -> tuple[oci.Descriptor, ...]:
        tag = oci.referrers_tag(bundle)
        for entry in self._index().manifests:
            if entry.annotations.get(oci.TAG) == tag:
                return _decode(self._blobs.get(entry.digest), oci.ImageIndex, tag).manifests
        return ()

    def _readable_referrers(self, bundle: Digest) -> tuple[oci.Descriptor, ...]:
        """Read without the lock: a list that was replaced between two reads is looked up again."""
        try:
            return self._referrers(bundle)
        except NotFoundError:
            return self._referrers(bundle)

    def _list_attachment(self, bundle: Digest, entry: oci.Descriptor) -> None:
        known = self._referrers(bundle)
        if any(other.digest == entry.digest for other in known):
            return
        tag = oci.referrers_tag(bundle)
        content = oci.encoded(oci.ImageIndex(manifests=(*known, entry)))
        self._blobs.put(content)
        listed = msgspec.structs.replace(oci.describe(content, oci.INDEX), annotations={oci.TAG: tag})
        before = self._index().manifests
        self._write_index((*(other for other in before if other.annotations.get(oci.TAG) != tag), listed))
        # Each list holds all entries of the one before it, which nothing names any more.
        for replaced in before:
            if replaced.annotations.get(oci.TAG) == tag and replaced.digest != listed.digest:
                self._blobs.remove(replaced.digest)

    def _write_index(self, manifests: tuple[oci.Descriptor, ...]) -> None:
        write_whole(self._folder / "index.json", oci.encoded(oci.ImageIndex(manifests=manifests)))


def _manifest(content: bytes, digest: Digest) -> Manifest:
    """Read ``golive.json``; its format comes first, since a newer one may have any shape.

    Raises:
        VerificationError: a newer golive made it, or it was damaged.
    """
    made = _decode(content, _Made, digest).format
    if made > _FORMAT:
        message = (
            f"the bundle {digest!r} was made by a newer golive: its format is {made}, and this golive reads up to "
            f"{_FORMAT}; upgrade golive to open it"
        )
        raise VerificationError(message)
    return _decode(content, Manifest, digest)


def _decode(content: bytes, shape: type[_Shape], what: Any) -> _Shape:
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.DecodeError as error:
        message = f"{what!r} cannot be read as {shape.__name__} ({error}); it is from another version or was damaged"
        raise VerificationError(message) from error
