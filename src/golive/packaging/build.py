"""Build: a converted model and its declared steps in, a manifest and the files of a bundle out."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from golive.domain.bundle import Decision, Lineage, Manifest
from golive.domain.naming import checked_name
from golive.domain.preparation import DeclaredStep, Preparation
from golive.domain.profile import Profile
from golive.domain.signature import Field, Signature
from golive.errors import UsageError, VerificationError
from golive.inference.front import compile_front
from golive.ports import Converted

PROFILE = "profile.json"
"""The file of a bundle that holds its reference profile."""


def assemble(
    name: str,
    converted: Converted,
    *,
    steps: Sequence[DeclaredStep] = (),
    inputs: Sequence[Field] = (),
    runtime: str = "onnxruntime",
    lineage: Lineage | None = None,
    decision: Decision | None = None,
    unit: str = "",
    immutable: Sequence[str] = (),
) -> Manifest:
    """Put a converted model behind its declared steps.

    Args:
        name: What the author calls the model.
        converted: Its preparation reads the columns that the steps make; it has no steps of its own.
        steps: From a caller's row to those columns.
        inputs: The columns that a caller sends; without them, the ones that the converted model reads.
        runtime: The plug-in that opens the graph.
        lineage: Where the model comes from.
        decision: How probabilities become labels, where it is not the converted model's own way.
        unit: The unit of what is predicted.
        immutable: Columns that no counterfactual may change; those that the model does not read are left out.

    Raises:
        UsageError: the name cannot be used, or the preparation reads a column that nothing provides.
    """
    preparation = Preparation(
        steps=(*steps, *converted.preparation.steps),
        numbers=converted.preparation.numbers,
        categories=converted.preparation.categories,
    )
    own = converted.signature
    signature = msgspec.structs.replace(own, inputs=tuple(inputs) or own.inputs, unit=unit or own.unit)
    _check_names(signature)
    if signature.task != "tensors":
        # Compiled for its complaints: an incoherent bundle must not be written.
        compile_front(preparation, signature)
    return Manifest(
        name=checked_name(name),
        signature=signature,
        preparation=preparation,
        decision=decision or converted.decision,
        runtime=runtime,
        lineage=lineage or Lineage(),
        immutable=tuple(name for name in signature.names if name in set(immutable)),
    )


def pack(manifest: Manifest, graph: bytes, profile: Profile) -> dict[str, bytes]:
    """Give the files of a bundle by path; the manifest itself is not among them."""
    return {manifest.graph: graph, PROFILE: msgspec.json.encode(profile, order="deterministic")}


def profile_of(files: Mapping[str, bytes]) -> Profile:
    """Read the reference profile back from a bundle's files.

    Raises:
        VerificationError: the file is absent or is not a profile.
    """
    try:
        return msgspec.json.decode(files[PROFILE], type=Profile)
    except (KeyError, msgspec.DecodeError) as error:
        message = f"the bundle's {PROFILE} cannot be read ({error}); package the model again"
        raise VerificationError(message) from error


def _check_names(signature: Signature) -> None:
    names = (*signature.names, *(tensor.name for tensor in signature.tensors))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        message = f"the inputs {twice} occur more than once; every column needs a name of its own"
        raise UsageError(message)
