"""Bayesian search: Optuna's tree-structured Parzen estimator, in memory."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import optuna

from golive.domain.trial import Trial


class BayesSearch:
    """Tries settings one after another, each where the earlier ones promise most.

    Choices that are all numbers are searched by their position, so that the estimator knows which are near.
    A setting is evaluated once; when the estimator proposes a known one, its result is used again.
    """

    name = "bayes"

    def run(
        self,
        space: Mapping[str, Sequence[Any]],
        *,
        trials: int,
        seed: int,
        attempt: Callable[[Sequence[dict[str, Any]]], Sequence[Trial]],
    ) -> tuple[Trial, ...]:
        """Try at most ``trials`` different settings; stops early once the whole grid is known."""
        size = prod(len(choices) for choices in space.values())
        study = _study(seed)
        known: dict[tuple[int, ...], Trial] = {}
        for _ in range(4 * trials):
            if len(known) >= min(trials, size):
                break
            proposed = study.ask()
            positions = tuple(_position(proposed, name, choices) for name, choices in space.items())
            if positions not in known:
                setting = {name: space[name][at] for name, at in zip(space, positions, strict=True)}
                known[positions] = attempt([setting])[0]
            study.tell(proposed, *_result(known[positions]))
        return tuple(known.values())


def _study(seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))


def _position(proposed: optuna.Trial, name: str, choices: Sequence[Any]) -> int:
    if all(isinstance(choice, (int, float)) and not isinstance(choice, bool) for choice in choices):
        order = sorted(range(len(choices)), key=lambda at: choices[at])
        return order[proposed.suggest_int(name, 0, len(choices) - 1)]
    return int(proposed.suggest_categorical(name, list(range(len(choices)))))


def _result(trial: Trial) -> tuple[float | None, optuna.trial.TrialState]:
    if trial.error:
        return None, optuna.trial.TrialState.FAIL
    return trial.mean, optuna.trial.TrialState.COMPLETE
