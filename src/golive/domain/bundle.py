"""Bundle: a model with all it needs to answer, named by the digest of its content."""

from typing import Any

import msgspec

from golive.domain.digest import Digest
from golive.domain.preparation import Preparation
from golive.domain.signature import Signature


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file of a bundle."""

    path: str
    digest: Digest
    size: int
    media_type: str


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How probabilities become a label: arg max, or for two classes a threshold on the second.

    At a tie the first class wins, as in scikit-learn.
    """

    threshold: float = 0.5


class Lineage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a bundle comes from."""

    data: dict[str, str] = {}
    """Source name -> digest of its bytes."""
    rows: int = 0
    """Rows that the estimator was fitted on."""
    code: str = ""
    """golive's version, and the commit of the project where it is kept in git."""
    environment: dict[str, str] = {}
    """Library -> version, those that decide the numbers."""
    seed: int = 0
    model: str = ""
    """The estimator that won, for people."""
    parameters: dict[str, Any] = {}
    parent: Digest | None = None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``golive.json``: everything about a bundle that is not a big file."""

    format: int = 1
    name: str
    signature: Signature
    preparation: Preparation
    decision: Decision = Decision()
    runtime: str = "onnxruntime"
    """The runtime plug-in that opens the graph."""
    graph: str = "model.onnx"
    lineage: Lineage = Lineage()
    immutable: tuple[str, ...] = ()
    """Inputs that no counterfactual may change, such as an age."""


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest, its files, and the digest that names both."""

    digest: Digest
    manifest: Manifest
    files: tuple[FileEntry, ...]
    created_at: str = ""

    @property
    def name(self) -> str:
        """The name that the author gave."""
        return self.manifest.name

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        return self.manifest.signature

    @property
    def size_bytes(self) -> int:
        """The sum of the file sizes."""
        return sum(entry.size for entry in self.files)
