"""Proof: a bundle is only written with the proof that it answers like its original; and what is told of that."""

from collections.abc import Mapping

import msgspec
import numpy as np

from golive import plugins
from golive.control.packing.truth import BASELINE
from golive.control.rooms import Rooms, code_version
from golive.domain.bundle import Bundle, Manifest
from golive.domain.digest import Digest
from golive.domain.evidence import Evidence
from golive.errors import NotConvertibleError
from golive.inference.explaining.background import MOST_ROWS
from golive.inference.road import Road, open_road
from golive.packaging.boundary import boundary_rows
from golive.packaging.build import pack
from golive.packaging.explaining import explaining_files
from golive.packaging.parity import Original, Proof, prove
from golive.packaging.profile import profile
from golive.ports import Column, Converted

RUNTIME = "onnxruntime"


class Shown(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Rows that a bundle is proved on and profiled from, by column in the canonical form."""

    reference: Mapping[str, Column]
    """Training rows, for the reference profile and the background of explanations."""
    proved_on: Mapping[str, Column]
    """Rows that the original and the graph both answer."""
    baseline: bytes
    """The dummy's answer, kept beside the model."""
    data: Digest
    """Of the rows."""
    background: int = MOST_ROWS
    """How many training rows the bundle holds for explanations to compare with."""


def prove_and_write(
    manifest: Manifest,
    converted: Converted,
    original: Original,
    rooms: Rooms,
    shown: Shown,
    *,
    tolerance: float,
    seed: int,
) -> Bundle:
    """Prove a conversion on real and on boundary rows, then write the bundle with the proof attached.

    Args:
        manifest: What the bundle says of itself.
        converted: The graph and where its answers can jump.
        original: The fitted object's answers to canonical columns.
        rooms: Where the bundle is written.
        shown: The rows.
        tolerance: The greatest allowed difference; a conversion that needs more says so (``Converted.tolerance``).
        seed: Chooses the boundary rows.

    Raises:
        ParityError: the two differ; the message shows the worst row.
    """
    road = open_road(manifest, converted.graph, plugins.load("runtimes", manifest.runtime))
    _refuse_several(road)
    boundary = boundary_rows(shown.proved_on, converted.thresholds, manifest, rng=np.random.default_rng(seed))
    proof = prove(original, road, shown.proved_on, boundary, tolerance=max(tolerance, converted.tolerance))
    return write_proved(road, converted.graph, proof, rooms, shown)


def write_proved(road: Road, graph: bytes, proof: Proof, rooms: Rooms, shown: Shown) -> Bundle:
    """Write the bundle of an opened graph, with the proof attached that it answers like its original."""
    manifest = road.manifest
    files = pack(manifest, graph, profile(manifest.signature, shown.reference, road.columns(shown.reference)))
    explaining = explaining_files(road, graph, shown.reference, plugins.load_all("explainers"), rows=shown.background)
    bundle = rooms.bundles.write(manifest, {**files, **explaining, BASELINE: shown.baseline}, created_at=rooms.now())
    attach_proof(bundle, proof, rooms, data=shown.data)
    return bundle


def attach_proof(bundle: Bundle, proof: Proof, rooms: Rooms, *, data: Digest | None = None) -> None:
    """Attach the proof that a bundle answers like its original, on rows of that digest."""
    rooms.bundles.attach_evidence(
        Evidence(
            bundle=bundle.digest,
            kind="parity",
            data=data,
            rows=proof.rows,
            measured_at=rooms.now(),
            code=code_version(),
            measures=proof.measures,
            details=proof.details,
        )
    )


def newest_parity(bundle: Bundle, rooms: Rooms) -> Evidence | None:
    """Give the newest proof that a bundle answers like its original, or None."""
    proofs = [evidence for evidence in rooms.bundles.evidence(bundle.digest) if evidence.kind == "parity"]
    return max(proofs, key=lambda evidence: evidence.measured_at, default=None)


def parity_text(bundle: Bundle, rooms: Rooms) -> str:
    """Say how near a bundle is to its original, in a few words."""
    proof = newest_parity(bundle, rooms)
    measure = proof.find("parity.difference") if proof else None
    if measure is None:
        return "no parity proof is attached"
    if not measure.rows:
        # A graph that somebody else wrote: what it was compared with, if with anything.
        return measure.note
    return f"equal to the original on {measure.rows:,} rows (greatest difference {measure.value:.1e})"


def _refuse_several(road: Road) -> None:
    """Refuse a graph that gives more than its signature says: all but the first would be dropped without a word."""
    wanted = len(road.signature.classes) or 1
    preparation = road.manifest.preparation
    zeros = np.zeros((1, len(preparation.numbers))), np.zeros((1, len(preparation.categories)), np.int64)
    given = road.session.run(*zeros).shape[1]
    if given != wanted:
        message = (
            f"the model gives {given} numbers a row, and its signature has {wanted}; fit and package a model for each "
            "target"
        )
        raise NotConvertibleError(message)
