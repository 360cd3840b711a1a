"""Open: a road and the files of its bundle in, its explainer out."""

from collections.abc import Mapping

from golive.errors import UsageError
from golive.inference.explaining.background import BACKGROUND, read_background
from golive.inference.explaining.container import EXPLAINER, read
from golive.inference.explaining.exact import exact
from golive.inference.explaining.explainer import RoadExplainer
from golive.inference.road import Road


def open_explainer(road: Road, files: Mapping[str, bytes]) -> RoadExplainer:
    """Make ready to explain a bundle's answers: exactly where it holds what that takes, else by permutations.

    Raises:
        UsageError: the bundle was packaged without background rows, or takes tensors.
        VerificationError: a file of the bundle is damaged.
    """
    if road.signature.task == "tensors":
        message = f"{road.manifest.name} takes tensors, and only answers to rows of named columns can be explained"
        raise UsageError(message)
    if BACKGROUND not in files:
        message = (
            f"{road.manifest.name} holds no {BACKGROUND}, the training rows that explanations compare with; package "
            "the model again, with background rows"
        )
        raise UsageError(message)
    background = read_background(road.signature, files[BACKGROUND])
    if EXPLAINER not in files:
        return RoadExplainer(road, background)
    held = read(files[EXPLAINER])
    additive = exact(road, held, background)
    return RoadExplainer(
        road,
        background,
        method=held.head.kind,
        scale=held.head.scale,
        additive=additive,
        effort=additive.effort,
        rows=additive.rows,
    )
