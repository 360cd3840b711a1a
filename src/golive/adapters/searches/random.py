"""Random search: distinct settings, drawn evenly from the grid."""

import random
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from golive.domain.trial import Trial


class RandomSearch:
    """Tries at most ``trials`` different settings of the grid, the same ones for the same seed."""

    name = "random"

    def run(
        self,
        space: Mapping[str, Sequence[Any]],
        *,
        trials: int,
        seed: int,
        attempt: Callable[[Sequence[dict[str, Any]]], Sequence[Trial]],
    ) -> tuple[Trial, ...]:
        """Draw without replacement, and try all drawn settings at once."""
        size = prod(len(choices) for choices in space.values())
        drawn = random.Random(seed).sample(range(size), min(trials, size))  # noqa: S311 nothing secret
        return tuple(attempt([_setting(space, number) for number in drawn]))


def _setting(space: Mapping[str, Sequence[Any]], number: int) -> dict[str, Any]:
    setting = {}
    for name, choices in space.items():
        number, position = divmod(number, len(choices))
        setting[name] = choices[position]
    return setting
