"""Whatever is wrong with answers or truth is said, and never turned into a silent number."""

import msgspec
import numpy as np
import pytest

from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence
from golive.domain.judging import Costs, Declared
from golive.errors import DataError
from golive.evaluation.run import evaluate


def measured(truth, predicted, *, classes=("no", "yes"), **more):
    rows, width = predicted.shape
    facts = {
        "bundle": digest_of(b"bundle"),
        "task": "classification" if classes else "regression",
        "baseline": np.full((rows, width), 1 / width),
        "champion": None,
        "champion_digest": None,
        "data_digest": None,
        "measured_at": "2026-01-01T00:00:00Z",
        "code": "1",
        "size_bytes": 1,
        "threshold": 0.5,
    }
    return evaluate(truth=truth, predicted=predicted, classes=classes, **{**facts, **more})


def codes(evidence):
    return {note["code"]: note for note in evidence.details["notes"]}


def two(seed=0, rows=400):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, rows)
    share = np.clip(0.5 + 0.3 * (truth - 0.5) + rng.normal(0, 0.15, rows), 0.01, 0.99)
    return truth, np.stack([1 - share, share], axis=1)


@pytest.mark.parametrize(
    "spoil", [lambda p: p + 0.2, lambda p: 1.6 * p - 0.3, lambda p: 3 * p], ids=["moved", "stretched", "tripled"]
)
def test_numbers_that_are_no_probabilities_are_counted_and_get_no_log_loss(spoil):
    truth, probabilities = two()
    evidence = measured(truth, spoil(probabilities))
    assert evidence.find("improper_probabilities").value > 20
    assert [evidence.find(name) for name in ("log_loss", "brier", "ece", "baseline.log_loss")] == [None] * 4
    assert codes(evidence)["improper_probabilities"]["role"] == "model"
    assert evidence.find("auc").value == pytest.approx(measured(truth, probabilities).find("auc").value)
    assert (evidence.details["calibration"], evidence.details["scores"]) == ([], [])


def test_proper_probabilities_are_counted_as_none_improper():
    truth, probabilities = two()
    evidence = measured(truth, probabilities.astype(np.float32).astype(np.float64))
    assert evidence.find("improper_probabilities").value == 0.0
    assert evidence.find("log_loss") is not None


def test_a_champion_without_probabilities_is_compared_by_what_it_decides():
    truth, probabilities = two()
    evidence = measured(truth, probabilities, champion=probabilities + 0.1, champion_digest=digest_of(b"c"))
    assert evidence.find("champion.log_loss") is None
    assert evidence.find("log_loss") is not None
    assert evidence.find("auc - champion.auc").value == pytest.approx(0.0)
    assert codes(evidence)["improper_probabilities"]["role"] == "champion"


@pytest.mark.parametrize(
    ("truth", "found"), [(np.array([0.0, 1.0]), "float64"), (np.array(["no", "yes"], object), "object")]
)
def test_a_truth_of_another_type_is_refused(truth, found):
    with pytest.raises(DataError, match=f"class indices .* found an array of {found}"):
        measured(truth, np.full((2, 2), 0.5))


def test_words_are_no_truth_of_a_regression():
    with pytest.raises(DataError, match="the truth of a regression is numbers"):
        measured(np.array(["a", "b"], object), np.ones((2, 1)), classes=())


def test_a_class_index_beyond_the_classes_is_refused():
    with pytest.raises(DataError, match="class index 7, but there are 2 classes"):
        measured(np.array([0, 7]), np.full((2, 2), 0.5))


def test_labels_of_which_the_model_knows_none_are_said_to_be_written_otherwise():
    evidence = measured(np.full(30, -1), np.full((30, 2), 0.5))
    assert "no_known_label" in codes(evidence)
    assert (evidence.rows, evidence.find("accuracy")) == (0, None)


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("classes", [(), ("no", "yes"), ("a", "b", "c")], ids=["regression", "two", "three"])
def test_one_to_three_rows_are_measured_without_numbers_that_do_not_exist(rows, classes):
    rng = np.random.default_rng(rows)
    truth = rng.integers(0, len(classes), rows) if classes else rng.normal(size=rows)
    predicted = rng.dirichlet(np.ones(len(classes)), rows) if classes else rng.normal(size=(rows, 1))
    evidence = measured(truth, predicted, classes=classes)
    assert evidence.find("accuracy" if classes else "rmse") is not None
    assert all(np.isfinite(measure.value) for measure in evidence.measures)
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence


def test_infinities_are_no_truth_and_no_answer():
    truth = np.append(np.random.default_rng(0).normal(size=50), [np.inf, -np.inf])
    evidence = measured(truth, np.ones((52, 1)), classes=())
    assert (evidence.rows, evidence.find("unusable_truths").value) == (50, 2.0)
    predicted = np.ones((52, 1))
    predicted[4] = -np.inf
    assert measured(truth, predicted, classes=()).find("rmse") is None


def test_a_thousand_classes_are_measured_with_the_worst_confusions_instead_of_a_million_cells():
    rng = np.random.default_rng(0)
    classes = tuple(f"c{place}" for place in range(1000))
    truth = rng.integers(0, 1000, 1200)
    predicted = rng.dirichlet(np.full(1000, 0.01), 1200)
    predicted[np.arange(1200), truth] += 1.0
    predicted /= predicted.sum(axis=1, keepdims=True)
    evidence = measured(truth, predicted, classes=classes)
    assert evidence.find("accuracy").lower < evidence.find("accuracy").value
    assert evidence.find("auc").lower is not None
    assert evidence.details["confusion"] == []
    confused = evidence.details["confused"]
    assert [row["rows"] for row in confused] == sorted((row["rows"] for row in confused), reverse=True)
    assert not [measure.name for measure in evidence.measures if measure.name.startswith("class.")]
    assert len(msgspec.json.encode(evidence)) < 1_000_000


def test_two_classes_whose_names_read_the_same_in_a_rule_get_two_names():
    truth, probabilities = two()
    names = {measure.name for measure in measured(truth, probabilities, classes=("a b", "a-b")).measures}
    assert {"class.a_b.recall", "class.a_b_2.recall", "class.a_b_2.auc"} <= names


def test_few_rows_of_a_class_are_said_with_how_many_would_halve_the_interval():
    truth, probabilities = two()
    truth[:] = 0
    truth[:12] = 1
    note = codes(measured(truth, probabilities))["few_of_class"]
    assert (note["label"], note["count"], note["more"]) == ("yes", 12, 48)
    assert codes(measured(truth, probabilities))["halved_by"]["rows"] == 1600


def test_rows_of_one_customer_widen_every_interval():
    rng = np.random.default_rng(1)
    whose = np.repeat(np.arange(80), 10).astype(float)
    leaning = rng.normal(size=80)[whose.astype(int)]
    truth = leaning + rng.normal(size=800)
    predicted = np.full((800, 1), 0.1) + 0.01 * rng.normal(size=(800, 1))
    alone, together = (measured(truth, predicted, classes=(), groups=groups) for groups in (None, whose))
    for name in ("rmse", "mae", "bias", "r2", "median_absolute_error", "smape"):
        widths = [evidence.find(name).upper - evidence.find(name).lower for evidence in (alone, together)]
        assert widths[1] > 1.15 * widths[0], name
        assert alone.find(name).value == together.find(name).value
    assert codes(together)["grouped"]["groups"] == 80
    assert "groups of rows" in together.find("rmse").method


def test_rows_without_a_group_stand_alone_and_few_groups_are_said():
    truth, probabilities = two(rows=60)
    names = np.array([None] * 30 + ["a", "b", "c"] * 10, object)
    found = codes(measured(truth, probabilities, groups=names))
    assert found["grouped"]["groups"] == 33
    assert "few_groups" in codes(measured(truth, probabilities, groups=np.repeat(["a", "b"], 30).astype(object)))
    assert "groups_of_one" in codes(measured(truth, probabilities, groups=np.arange(60.0)))


def test_declared_costs_are_measured_of_everybody():
    truth, probabilities = two()
    costs = Costs(false_positive=1.0, false_negative=10.0, true_positive=-2.0, unit="EUR")
    evidence = measured(truth, probabilities, declared=Declared(costs=costs))
    decided = probabilities[:, 1] > 0.5
    expected = np.where(truth == 1, np.where(decided, -2.0, 10.0), np.where(decided, 1.0, 0.0)).mean()
    assert evidence.find("cost").value == pytest.approx(expected)
    assert evidence.find("cost - baseline.cost").upper < 0
    assert "EUR" in evidence.find("cost").note


def test_a_declared_quantile_is_measured_by_its_coverage_and_pinball_loss():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=2000)
    predicted = np.full((2000, 1), 1.2816)
    evidence = measured(truth, predicted, classes=(), declared=Declared(quantile=0.9))
    coverage = evidence.find("quantile.coverage")
    assert coverage.lower < 0.9 < coverage.upper
    assert evidence.find("pinball").value > 0
    assert evidence.find("pinball - baseline.pinball").upper < 0


def test_bands_hold_the_curves_and_deciles_their_means():
    truth, probabilities = two()
    for curve in measured(truth, probabilities).details["curves"]:
        for drawn in (curve["roc"], curve["precision_recall"]):
            assert all(
                low <= y <= high for low, y, high in zip(drawn["lower"], drawn["y"], drawn["upper"], strict=True)
            )
            assert len(drawn["x"]) == len(drawn["lower"])
    rng = np.random.default_rng(0)
    values = rng.normal(size=500)
    for part in measured(values, (values + rng.normal(size=500))[:, None], classes=()).details["deciles"]:
        assert part["lower"] < part["mae"] < part["upper"]
        assert part["bias_lower"] < part["bias"] < part["bias_upper"]
