"""Every search strategy: settings of the space only, none twice, the same ones for the same seed."""

import pytest

from golive import plugins
from golive.domain.trial import Trial

SPACE = {"depth": (1, 2, 3, 4, 5), "rate": (0.1, 0.3, 1.0), "kind": ("a", "b")}


class Attempts:
    def __init__(self, failing=()):
        self.settings = []
        self.failing = failing

    def __call__(self, settings):
        self.settings.extend(settings)
        return [self.trial(setting) for setting in settings]

    def trial(self, setting):
        if setting.get("kind") in self.failing:
            return Trial(candidate="c", parameters=setting, scores=(), fit_s=0.0, error="failed on purpose")
        score = -abs(setting.get("depth", 0) - 4) - setting.get("rate", 0)
        return Trial(candidate="c", parameters=setting, scores=(score,), fit_s=0.0)


@pytest.fixture(params=plugins.names("searches"))
def strategy(request):
    return plugins.load("searches", request.param)


def run(strategy, space=SPACE, trials=12, seed=1, failing=()):
    attempts = Attempts(failing)
    return strategy.run(space, trials=trials, seed=seed, attempt=attempts), attempts.settings


def test_settings_come_from_the_space_and_none_twice(strategy):
    _, settings = run(strategy)
    keys = [tuple(setting.items()) for setting in settings]
    assert len(keys) == len(set(keys))
    assert all(setting[name] in SPACE[name] for setting in settings for name in SPACE)


def test_the_number_of_trials_is_kept_except_by_the_grid(strategy):
    trials, _ = run(strategy)
    assert len(trials) == (30 if strategy.name == "grid" else 12)


def test_the_same_seed_gives_the_same_settings(strategy):
    assert run(strategy, seed=7)[1] == run(strategy, seed=7)[1]


def test_an_empty_space_has_one_setting(strategy):
    assert run(strategy, space={})[1] == [{}]


def test_every_trial_is_given_back_the_failed_ones_too(strategy):
    trials, settings = run(strategy, trials=30, failing=("a",))
    assert [trial.parameters for trial in trials] == settings
    assert {trial.error for trial in trials if trial.parameters["kind"] == "a"} == {"failed on purpose"}


def test_a_space_smaller_than_the_trials_is_tried_whole(strategy):
    assert len(run(strategy, space={"depth": (1, 2, 3)}, trials=20)[0]) == 3
