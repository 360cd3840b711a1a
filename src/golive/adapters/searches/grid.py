"""Grid search: every setting, in order."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from golive.domain.trial import Trial


class GridSearch:
    """Tries every combination of the choices; ``trials`` and ``seed`` do not matter."""

    name = "grid"

    def run(
        self,
        space: Mapping[str, Sequence[Any]],
        *,
        trials: int,  # noqa: ARG002 part of the port
        seed: int,  # noqa: ARG002 part of the port
        attempt: Callable[[Sequence[dict[str, Any]]], Sequence[Trial]],
    ) -> tuple[Trial, ...]:
        """Try all settings at once; an empty space has one, empty setting."""
        settings = [dict(zip(space, choices, strict=True)) for choices in product(*space.values())]
        return tuple(attempt(settings))
