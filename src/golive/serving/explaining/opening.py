"""Opening: a bundle's manifest and files in, what explains it out."""

from collections.abc import Mapping

from golive import plugins
from golive.domain.bundle import Manifest
from golive.errors import UnexplainableError, UsageError
from golive.inference.explaining.open import open_explainer
from golive.inference.road import open_road
from golive.ports import Runtime
from golive.serving.explaining.account import Account


def opened(manifest: Manifest, files: Mapping[str, bytes]) -> Account:
    """Open a bundle so that its answers can be explained.

    Raises:
        UnexplainableError: it takes tensors, or was packaged without what explanations need; the message says what to
            do.
        VerificationError: its files are not what they claim to be.
        MissingExtraError: the library that runs its graph is not installed.
    """
    if manifest.signature.task == "tensors":
        message = (
            f"the model {manifest.name!r} takes tensors, which have no columns that could be explained; explain it "
            "where it was trained"
        )
        raise UnexplainableError(message)
    runtime: Runtime = plugins.load("runtimes", manifest.runtime)
    road = open_road(manifest, files[manifest.graph], runtime)
    try:
        return Account(road, open_explainer(road, files))
    except UsageError as error:
        raise UnexplainableError(error.message) from error
