"""Explaining: the files of a bundle that its answers are explained with."""

import logging
from collections.abc import Iterable, Mapping

import numpy as np

from golive.errors import UsageError
from golive.inference.explaining.background import BACKGROUND, MOST_ROWS, background_file
from golive.inference.explaining.container import EXPLAINER
from golive.inference.road import Road
from golive.ports import Column, Explainer, Subject

_LOOKED_AT = 500
_SEED = 17
_RUNTIME = "onnxruntime"


def explaining_files(
    road: Road, graph: bytes, reference: Mapping[str, Column], explainers: Iterable[Explainer], *, rows: int
) -> dict[str, bytes]:
    """Choose background rows among the training rows, and prepare an exact explanation where there is one.

    Args:
        road: The bundle's own.
        graph: What it runs.
        reference: Training rows, as canonical columns.
        explainers: Asked in order, until one knows the graph.
        rows: How many background rows the bundle holds; with 0 it holds no row of anybody, and explains nothing.

    Raises:
        UsageError: more rows are asked for than explanations compare with.
    """
    if not 0 <= rows <= MOST_ROWS:
        message = f"{rows} background rows are asked for, but a bundle holds 0 to {MOST_ROWS}; ask for fewer"
        raise UsageError(message, field="background")
    total = len(next(iter(reference.values()), ()))
    if rows == 0 or total == 0:
        return {}
    held = {BACKGROUND: background_file(road.signature, reference, rows)}
    return held | explainer_file(road, graph, reference, explainers)


def explainer_file(
    road: Road, graph: bytes, reference: Mapping[str, Column], explainers: Iterable[Explainer]
) -> dict[str, bytes]:
    """Give the file that one of the explainers makes of a graph; none where none knows it: permutations do then."""
    if road.manifest.runtime != _RUNTIME:
        return {}
    total = len(next(iter(reference.values())))
    chosen = np.random.default_rng(_SEED).permutation(total)[:_LOOKED_AT]
    numbers, codes = road.front.columns({name: reference[name][chosen] for name in road.signature.names})
    subject = Subject(
        graph=graph,
        preparation=road.manifest.preparation,
        task=road.signature.task,
        numbers=numbers,
        codes=codes,
        answers=road.session.run(numbers, codes),
        seed=_SEED,
    )
    for explainer in explainers:
        try:
            made = explainer.prepare(subject, road.signature.names)
        except Exception as error:  # a model must not fail to be packaged because of what it is explained with
            log = logging.getLogger("golive.packaging")
            log.info("explainer %s: %s; permutations explain %s", explainer.name, error, road.manifest.name)
            log.debug("explainer %s failed", explainer.name, exc_info=True)
            continue
        if made is not None:
            return {EXPLAINER: made}
    return {}
