"""Tensor road: a bundle of tensors, opened: tensors in, tensors out, as its graph has them."""

from typing import cast

from golive.domain.bundle import Manifest
from golive.domain.signature import Signature, Tensor
from golive.errors import GoliveError, VerificationError
from golive.ports import Int64, Runtime, TensorSession
from golive.serving.batching.cost import Run
from golive.serving.codecs.tensor_types import described
from golive.serving.tensorial.tensor_rows import TensorRows


def open_tensor_road(manifest: Manifest, graph: bytes, runtime: Runtime, *, threads: int = 1) -> "TensorRoad":
    """Open a bundle's graph.

    Raises:
        VerificationError: the bytes are not a graph that the runtime can run, or it has other inputs or outputs than
            the signature says.
    """
    session = runtime.open_tensors(graph, threads=threads)
    signature = manifest.signature
    _check("input", signature.tensors, session.inputs)
    _check("output", signature.outputs, session.outputs)
    return TensorRoad(manifest, session)


class TensorRoad:
    """An opened bundle. Call it from one thread at a time, as its session asks."""

    def __init__(self, manifest: Manifest, session: TensorSession) -> None:
        self.manifest = manifest
        self.session = session

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        return self.manifest.signature

    def whole(self, given: TensorRows, codes: Int64 | None = None) -> TensorRows:
        """Run the model on one request; its outputs count for as many rows as it does."""
        del codes
        return TensorRows(self.session.run(given.arrays), given.count)

    def run_of(self, *, joins: bool) -> Run:
        """Give what a queue or a lane calls: of rows, where requests may run together.

        Batches count, slice and join rows, and take tensor rows in the place of a table's numbers.
        """
        return cast("Run", self.rows if joins else self.whole)

    def rows(self, given: TensorRows, codes: Int64 | None = None) -> TensorRows:
        """Run the model on rows, of one request or of several.

        Raises:
            GoliveError: an output does not have a row for each.
        """
        outputs = self.whole(given, codes)
        for name, array in outputs.arrays.items():
            if array.ndim == 0 or len(array) != given.count:
                message = (
                    f"the model gave the output {name!r} of the shape {list(array.shape)} for {given.count} rows, "
                    "though it gave a row for each when it was loaded; give the first axes of the graph a fixed length"
                )
                raise GoliveError(message)
        return outputs


def _check(side: str, declared: tuple[Tensor, ...], found: tuple[Tensor, ...]) -> None:
    if {tensor.name for tensor in declared} != {tensor.name for tensor in found} or not declared:
        message = (
            f"the signature has the {side}s {[tensor.name for tensor in declared]}, and the graph "
            f"{[tensor.name for tensor in found]}; package the model again"
        )
        raise VerificationError(message)
    by_name = {tensor.name: tensor for tensor in found}
    for tensor in declared:
        other = by_name[tensor.name]
        if tensor.dtype != other.dtype or not _fit(tensor.shape, other.shape):
            message = (
                f"the signature has the {side} {described(tensor)}, and the graph {described(other)}; "
                "package the model again"
            )
            raise VerificationError(message)


def _fit(declared: tuple[int | None, ...], found: tuple[int | None, ...]) -> bool:
    # A graph that says nothing of a shape is reported with no axes: the signature decides then.
    if not found:
        return True
    return len(declared) == len(found) and all(
        None in pair or pair[0] == pair[1] for pair in zip(declared, found, strict=True)
    )
