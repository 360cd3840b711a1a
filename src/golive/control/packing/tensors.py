"""Bundles of tensors: a network with the inputs and outputs that it has, written, proved and kept."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from golive import plugins
from golive.control.packing.frameworks import framework_for
from golive.control.packing.proof import RUNTIME, attach_proof
from golive.control.rooms import Rooms, code_version, environment
from golive.domain.bundle import Bundle, Lineage, Manifest
from golive.domain.digest import Digest, digest_of, digest_of_value
from golive.domain.evidence import Measure
from golive.domain.preparation import Preparation
from golive.domain.signature import Signature
from golive.errors import NotConvertibleError, UsageError
from golive.inference.feeds import checked_feeds
from golive.packaging.build import assemble
from golive.packaging.parity import Proof
from golive.packaging.tensor_proof import axes_of, example_of, feeds_of, prove_tensors
from golive.ports import Arrays, Converted, TensorFramework, TensorSession, TensorWriter

_TABLE_DIMENSIONS = 2


class OpenTensors:
    """A bundle of tensors, opened in this process."""

    def __init__(self, signature: Signature, session: TensorSession) -> None:
        self.signature = signature
        self._session = session

    def run(self, inputs: Any) -> dict[str, Any]:
        """Give an array for each output, by name; an array alone is for the only input.

        Raises:
            RequestError: an array is not what the signature says, or cannot go through the graph.
        """
        named = inputs if isinstance(inputs, Mapping) else {self.signature.tensors[0].name: inputs}
        return self._session.run(checked_feeds(self.signature.tensors, named))


def open_tensors(bundle: Bundle, files: Mapping[str, bytes], *, threads: int = 1) -> OpenTensors:
    """Open a bundle's graph in this process.

    Raises:
        UsageError: the bundle reads rows of fields.
    """
    if bundle.signature.task != "tensors":
        message = f"{bundle.name} reads rows of fields, not tensors; ask it with .predict(rows)"
        raise UsageError(message)
    manifest = bundle.manifest
    session = plugins.load("runtimes", manifest.runtime).open_tensors(files[manifest.graph], threads=threads)
    return OpenTensors(manifest.signature, session)


def is_of_tensors(sample: Any) -> bool:
    """Say whether a sample is of tensors, not of rows: arrays by name, or one array of more than two axes."""
    if isinstance(sample, Mapping):
        return True
    return getattr(sample, "ndim", 0) > _TABLE_DIMENSIONS


def tensor_framework_for(model: Any) -> TensorFramework:
    """Find the framework plug-in that writes a model with the tensors that it reads and gives.

    Raises:
        NotConvertibleError: none knows it, or the one that does has no such form.
    """
    framework = framework_for(model)
    if isinstance(framework, TensorFramework):
        return framework
    message = (
        f"{type(model).__name__} reads rows of a table, and the sample holds arrays by name or an array of more than "
        "two axes; give it as a data frame or as an array [rows, columns]"
    )
    raise NotConvertibleError(message)


def package_tensors(
    framework: TensorWriter,
    model: Any,
    sample: Any,
    rooms: Rooms,
    *,
    name: str,
    target: str = "",
    outputs: Sequence[str] = (),
    open_axes: Mapping[str, Sequence[int]] | None = None,
    tolerance: float = 0.0,
    files: Mapping[str, Digest] | None = None,
    kind: str = "",
) -> Bundle:
    """Write a network as a graph of tensors, prove that it answers alike, and write the bundle.

    Args:
        framework: The plug-in that knows it.
        model: A network.
        sample: An array for each input by name, or the only one.
        rooms: Where the bundle is written.
        name: What the model is called.
        target: The name of what is predicted; without one, that of the first output.
        outputs: Names for what the network gives.
        open_axes: Input -> axes whose length is only known of a request; where not said, the first ones.
        tolerance: The greatest allowed difference, where the type of an output does not need more.
        files: What it was read from, by name.
        kind: What it is called in the lineage; without one, its class.

    Raises:
        UsageError: the sample or the axes make no sense.
        NotConvertibleError: it cannot be written.
        ParityError: the graph answers differently.
    """
    feeds = feeds_of(sample)
    axes = axes_of(feeds, open_axes)

    def original(given: Arrays) -> Mapping[str, Any]:
        return framework.ask_tensors(model, given, outputs=outputs)

    _check_answers(original, example_of(feeds, axes))
    graph = framework.tensors(model, example_of(feeds, axes), open_axes=axes, outputs=outputs)
    session: TensorSession = plugins.load("runtimes", RUNTIME).open_tensors(graph, threads=1)
    proof = prove_tensors(original, session, feeds, axes, tolerance=tolerance)
    origin = Lineage(
        data={**(files or {}), "sample": digest_of_arrays(feeds)},
        rows=proof.rows,
        code=code_version(),
        environment=environment(),
        model=f"{framework.name}: {kind or type(model).__name__}",
    )
    signature = Signature(
        inputs=(),
        task="tensors",
        target=target or session.outputs[0].name,
        tensors=session.inputs,
        outputs=session.outputs,
    )
    return write_tensors(assemble_tensors(name, graph, signature, origin), graph, proof, rooms)


def assemble_tensors(name: str, graph: bytes, signature: Signature, origin: Lineage) -> Manifest:
    """Say of a graph of tensors what a bundle says of itself."""
    converted = Converted(graph=graph, preparation=Preparation(), signature=signature)
    return assemble(name, converted, runtime=RUNTIME, lineage=origin)


def write_tensors(manifest: Manifest, graph: bytes, proof: Proof, rooms: Rooms) -> Bundle:
    """Write a bundle of tensors with the proof attached."""
    bundle = rooms.bundles.write(manifest, {manifest.graph: graph}, created_at=rooms.now())
    attach_proof(bundle, proof, rooms)
    return bundle


def unproved(note: str, notes: Sequence[str], difference: float = 0.0) -> Proof:
    """Give what stands for a proof where a graph is the file's own, so that there is nothing to compare it with."""
    return Proof(
        rows=0,
        measures=(Measure(name="parity.difference", value=difference, better="lower", note=note),),
        details={"form": "tensors", "notes": list(notes)},
    )


def digest_of_arrays(feeds: Arrays) -> Digest:
    """Name arrays."""
    return digest_of_value(
        [[name, str(array.dtype), list(array.shape), digest_of(np.ascontiguousarray(array).tobytes())]
         for name, array in feeds.items()]
    )  # fmt: skip


def _check_answers(original: Callable[[Arrays], Any], example: Arrays) -> None:
    try:
        original(example)
    except ValueError as error:
        shapes = ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in example.items())
        message = (
            f"the network does not answer two rows of its sample, {shapes} ({error}); give one array for each of its "
            "inputs, by name, and declare which axes are open: open_axes={name: (axis, ...)}"
        )
        raise NotConvertibleError(message) from error
