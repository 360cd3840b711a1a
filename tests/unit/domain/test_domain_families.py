"""Families of measures: the names that a rule may say are those that an evaluation gives."""

import numpy as np
import pytest

from golive.domain.families import namesakes
from golive.evaluation.stress.family import level_name
from golive.evaluation.stress.flips import STRENGTHS
from golive.evaluation.stress.graded import MISSING, NOISE
from golive.evaluation.stress.pictures import picture_stresses


def test_every_strength_of_every_stress_of_images_may_be_named() -> None:
    stresses = picture_stresses(np.random.default_rng(0).random((3, 6, 6, 1)), 0.0, 1.0, 0)
    levels = [level_name(one.name, one.form, strength) for one in stresses for strength in one.strengths]
    known = namesakes("robustness.x", "classification") or ()
    assert {f"robustness.{level}.accuracy_drop" for level in levels} <= set(known)


@pytest.mark.parametrize(
    ("task", "kind", "metric"), [("regression", "change", "r2"), ("classification", "flips", "auc")]
)
def test_every_strength_of_noise_missing_cells_and_small_changes_may_be_named(task, kind, metric) -> None:
    levels = [level_name("noise", "plain", one) for one in NOISE] + [
        level_name("missing", "share", one) for one in MISSING
    ]
    moved = {f"robustness.{level_name(kind, 'plain', strength)}" for strength in STRENGTHS}
    assert {f"robustness.{level}.{metric}_drop" for level in levels} | moved <= set(
        namesakes("robustness.x", task) or ()
    )


def test_what_is_known_of_a_model_narrows_the_names() -> None:
    assert "robustness.noise_1.auc_drop" not in (namesakes("robustness.x", "classification", classes="abc") or ())
    assert namesakes("class.x.f1", "classification", classes=["no way"])[2] == "class.no_way.f1"
    fair = namesakes("fairness.x.tpr_ratio", "classification", sensitive=["sex", "age"])
    assert "fairness.sex_x_age.tpr_ratio" in fair
    assert "fairness.x.tpr_ratio" not in fair
    assert "fairness.x.rmse_ratio" in namesakes("fairness.x.tpr_ratio", "tensors")
    assert namesakes("slices.worst_auc", "classification") is None
