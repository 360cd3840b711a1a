"""Explainer: a road with what is needed to say why it answers as it does."""

from collections.abc import Callable, Mapping

import numpy as np

from golive.domain.explanation import Explained, Method, Scale
from golive.errors import UsageError
from golive.inference.explaining.permutation import EVALUATIONS, Mixer, shapley
from golive.inference.road import Road
from golive.inference.table import columns_of
from golive.ports import Column, Float64, Int64

_BINARY = 2

Additive = Callable[[Float64, Int64, Int64], tuple[Float64, Float64, Float64]]
"""``N`` and ``C`` of rows and the output of each in; base ``[n]``, answers ``[n]`` on the explanation's scale and
contributions ``[n, inputs]`` out."""


class RoadExplainer:
    """Explains a bundle's answers. Call it from one thread at a time, as its road asks."""

    def __init__(
        self,
        road: Road,
        background: Mapping[str, Column],
        *,
        method: Method = "permutation",
        scale: Scale | None = None,
        additive: Additive | None = None,
        effort: int = 0,
        rows: int | None = None,
    ) -> None:
        self.road = road
        self.method: Method = method
        self.scale: Scale = scale or ("probability" if road.signature.classes else "value")
        self.background = background
        """Canonical columns of the rows that stand for "not known"."""
        self.effort = effort
        """Numbers that are looked at to explain a row exactly; 0 by permutations."""
        self._additive = additive
        self._rows = len(next(iter(background.values()))) if rows is None else rows
        self._mixer = None if additive else Mixer(road, background)

    def explain(
        self, columns: Mapping[str, Column], *, output: int | None = None, evaluations: int | None = None
    ) -> Explained:
        """Say how much each input contributed to the answers to some rows.

        Args:
            columns: The rows, by input, as ``golive.inference.table.columns_of`` takes them.
            output: Which class is explained; of two the second where none is named, of several each row's most
                probable one.
            evaluations: The most answers that the permutation method asks the model for, a row.

        Raises:
            UsageError: there is no such output, or too few evaluations are allowed.
            RequestError: a required column is not there.
            InvalidRowError: a value does not fit the signature.
        """
        rows = columns_of(self.road.signature, columns)
        self._check(output, evaluations)
        return self._exactly(rows, output) if self._additive else self._asking(rows, output, evaluations)

    def _check(self, output: int | None, evaluations: int | None) -> None:
        count = max(1, len(self.road.signature.classes))
        if output is not None and not 0 <= output < count:
            message = f"output {output} is asked for, but the model gives {count}; count from 0 to {count - 1}"
            raise UsageError(message, field="output")
        if evaluations is not None and evaluations < 1:
            message = f"{evaluations} evaluations are allowed, but at least 1 is needed; allow more"
            raise UsageError(message, field="evaluations")

    def _exactly(self, rows: Mapping[str, Column], output: int | None) -> Explained:
        assert self._additive is not None  # noqa: S101 - for the type checker; the only caller has looked
        numbers, codes = self.road.front.columns(rows)
        given = self.road.session.run(numbers, codes)
        outputs = self._outputs(given, output)
        base, answers, contributions = self._additive(numbers, codes, outputs)
        known = self._on_scale(given, outputs)
        trusted = answers if known is None else np.where(np.isfinite(known), known, answers)
        return Explained(
            method=self.method,
            scale=self.scale,
            outputs=outputs,
            given=given,
            base=base,
            answers=answers if self.scale == "log_odds" else trusted,
            contributions=contributions,
            error=_greatest(trusted - base - contributions.sum(axis=1)),
            background_rows=self._rows,
        )

    def _asking(self, rows: Mapping[str, Column], output: int | None, evaluations: int | None) -> Explained:
        assert self._mixer is not None  # noqa: S101 - for the type checker; the only caller has looked
        mix = self._mixer.mix(rows)
        given = mix.answers
        outputs = self._outputs(given, output)
        found = shapley(self._mixer, mix, outputs, evaluations or EVALUATIONS)
        answers = given[np.arange(len(given)), outputs]
        base = self._mixer.base[outputs]
        return Explained(
            method=self.method,
            scale=self.scale,
            outputs=outputs,
            given=given,
            base=base,
            answers=answers,
            contributions=found.contributions,
            error=_greatest(answers - base - found.contributions.sum(axis=1)),
            background_rows=found.rows,
            evaluations=found.evaluations,
            spread=found.spread,
        )

    def _outputs(self, given: Float64, output: int | None) -> Int64:
        if output is None and given.shape[1] > _BINARY:
            best: Int64 = given.argmax(axis=1).astype(np.int64)
            return best
        chosen = (given.shape[1] - 1 if given.shape[1] == _BINARY else 0) if output is None else output
        return np.full(len(given), chosen, np.int64)

    def _on_scale(self, given: Float64, outputs: Int64) -> Float64 | None:
        """Give the road's own answers on the scale of the explanation; NaN where they say too little, None: nowhere."""
        own: Float64 = given[np.arange(len(given)), outputs]
        if self.scale != "log_odds":
            return own
        if given.shape[1] > _BINARY:
            return None
        other = given[np.arange(len(given)), 1 - outputs]
        # Beyond, a probability has too few digits left to say what its log-odds were.
        inside = (own > _LEAST_PROBABILITY) & (other > _LEAST_PROBABILITY)
        shown: Float64 = np.full(len(own), np.nan)
        shown[inside] = np.log(own[inside] / other[inside])
        return shown


_LEAST_PROBABILITY = 1e-6


def _greatest(values: Float64) -> float:
    return float(np.abs(values).max()) if len(values) else 0.0
