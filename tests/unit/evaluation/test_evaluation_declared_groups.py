"""Rows of one customer: every part of an evaluation takes whole customers as what is independent, where declared."""

import msgspec
import numpy as np
import pytest

from golive.domain.bundle import Decision
from golive.domain.judging import Declared
from golive.domain.signature import Field, Signature
from golive.evaluation.explained.contributed import shares
from golive.evaluation.explained.shuffled import shuffled
from golive.evaluation.groups.section import fairness
from golive.evaluation.measured.comparison import Setting
from golive.evaluation.measured.ranked import ranked, ranked_metrics
from golive.evaluation.slices.label_noise import label_noise
from golive.evaluation.slices.part import slices
from golive.evaluation.slices.weak import halves
from golive.evaluation.stress.part import robustness
from golive.evaluation.subject import Rows, Subject, group_codes, mixed_rows, whole_groups

CUSTOMERS, ROWS = 60, 50


def of_customers(values):
    return np.repeat(values, ROWS)


def a_classification(seed, gap=0.0, group="customer"):
    """Every customer has a score of their own, which has nothing to do with who they are, but for ``gap``."""
    rng = np.random.default_rng(seed)
    people = rng.integers(0, 2, CUSTOMERS)
    score = of_customers(np.clip(rng.beta(1, 1, CUSTOMERS) - gap * people, 0.01, 0.99))
    return subject_of(
        Signature(inputs=(Field(name="x", dtype="float64"),), target="y", task="classification", classes=("no", "yes")),
        {"x": score},
        {"sex": of_customers(np.array(["a", "b"], object)[people]), "customer": of_customers(np.arange(60.0))},
        (rng.random(len(score)) < score).astype(np.int64),
        lambda table: np.stack([1.0 - table["x"], table["x"]], axis=1),
        Declared(sensitive=("sex",), group=group),
    )


def a_regression(seed, group="customer", worse=0.0, customers=CUSTOMERS):
    """Errors are as large as the customer has them, which has nothing to do with their age or city, but for ``worse``."""
    each = CUSTOMERS * ROWS // customers
    rng = np.random.default_rng(seed)
    x, city = rng.normal(size=customers * each), rng.integers(0, 6, customers)
    size = np.repeat(np.exp(rng.normal(0.0, 0.4, customers) + worse * (city == 0)), each)
    return subject_of(
        Signature(
            inputs=(Field(name="x", dtype="float64"), Field(name="city", dtype="string")), target="y", task="regression"
        ),
        {"x": x, "city": np.repeat(np.array(list("abcdef"), object)[city], each)},
        {
            "customer": np.repeat(np.arange(float(customers)), each),
            "sex": np.repeat(np.array(["a", "b"], object)[city % 2], each),
        },
        x + size * rng.normal(size=len(x)),
        lambda table: np.asarray(table["x"])[:, None],
        Declared(sensitive=("sex",), group=group),
    )


def subject_of(signature, columns, extra, truth, predict, declared):
    answers = predict(columns)
    return Subject(
        signature=signature,
        decision=Decision(),
        test=Rows(columns=columns, extra=extra, truth=truth),
        kept=np.arange(len(truth)),
        answers={"": answers, "baseline": np.full_like(answers, float(answers.mean()))},
        predict=predict,
        declared=declared,
    )


def measure(section, name):
    return next(one for one in section.measures if one.name == name)


def kinds(section):
    return {finding.kind for finding in section.findings}


def width(measure):
    return measure.upper - measure.lower


def test_a_missing_customer_is_one_of_their_own():
    assert group_codes(np.array(["b", None, "a", None, "b"], object)).tolist() == [1, 2, 0, 3, 1]
    assert a_classification(0, group="").groups is None


def test_all_rows_of_a_customer_are_on_one_side_of_a_cut():
    groups = np.random.default_rng(0).integers(0, 40, 1000)
    order = mixed_rows(1000, groups, seed=3)
    cut = whole_groups(order, 500, groups)

    assert sorted(order.tolist()) == list(range(1000))
    assert 500 <= cut < 600
    assert not set(groups[order[:cut]]) & set(groups[order[cut:]])
    one, other = halves(1000, 3, groups)
    assert not set(groups[one]) & set(groups[other])


def test_customers_that_differ_are_no_gap_between_groups():
    assert sum("group_gap" in kinds(fairness(a_classification(seed))) for seed in range(25)) == 0
    assert sum("group_gap" in kinds(fairness(a_classification(seed, group=""))) for seed in range(25)) > 5


def test_a_large_gap_between_customers_is_still_found():
    assert "group_gap" in kinds(fairness(a_classification(0, gap=0.7)))


def test_intervals_of_gaps_are_over_customers():
    plain, whole = (fairness(a_classification(1, group=group)) for group in ("", "customer"))
    one, other = (measure(section, "fairness.sex.selection_difference") for section in (plain, whole))

    assert other.value == pytest.approx(one.value)
    assert width(other) > 2 * width(one)
    assert other.method.endswith("over groups of rows")


def test_gaps_of_a_regression_are_over_customers():
    given = a_regression(2)
    off = msgspec.structs.replace(
        given.test, truth=given.test.truth + of_customers(np.random.default_rng(0).normal(size=60))
    )
    plain = msgspec.structs.replace(given, test=off, declared=Declared(sensitive=("sex",)))
    whole = msgspec.structs.replace(given, test=off)
    one, other = (measure(fairness(some), "fairness.sex.error_difference") for some in (plain, whole))

    assert width(other) > 2 * width(one)


def test_customers_with_large_errors_are_no_weak_slice():
    assert sum("weak_slice" in kinds(slices(a_regression(seed))) for seed in range(6)) == 0
    assert any("weak_slice" in kinds(slices(a_regression(seed, group=""))) for seed in range(6))


def test_a_city_whose_customers_are_all_served_badly_is_a_weak_slice():
    found = slices(a_regression(2, worse=1.5, customers=300))

    assert [finding.columns for finding in found.findings] == [("city",)]


def test_of_few_customers_no_weak_slice_and_no_label_noise_is_looked_for():
    given = a_regression(0)
    extra = {**given.test.extra, "customer": of_customers(np.arange(60.0) % 7)}
    few = msgspec.structs.replace(given, test=msgspec.structs.replace(given.test, extra=extra))

    assert slices(few).checked == label_noise(few).checked == ()
    assert {note["code"] for note in (*slices(few).notes, *label_noise(few).notes)} == {
        "slices.few_groups",
        "label_noise.few_groups",
    }


def test_one_customer_with_wrong_targets_is_no_label_noise():
    given = a_regression(0)
    wrong = given.test.truth + 60.0 * (np.arange(given.rows) < ROWS)
    test = msgspec.structs.replace(given.test, truth=wrong)
    whole = msgspec.structs.replace(given, test=test)
    plain = msgspec.structs.replace(whole, declared=Declared())

    assert kinds(label_noise(plain)) == {"label_noise"}
    assert not kinds(label_noise(whole))


def test_drops_under_stress_are_over_customers():
    plain, whole = (robustness(a_classification(4, group=group)) for group in ("", "customer"))
    one, other = (measure(section, "robustness.noise_1.log_loss_drop") for section in (plain, whole))

    assert one.value == other.value
    assert width(other) > 1.1 * width(one)
    assert other.method == "delta method, paired, over groups of rows"


def test_importance_is_over_customers():
    plain, whole = (shuffled(a_classification(4, group=group)) for group in ("", "customer"))

    assert whole["values"] == plain["values"]
    assert whole["upper"][0] - whole["lower"][0] > 1.5 * (plain["upper"][0] - plain["lower"][0])


def test_shares_of_contributions_are_over_customers():
    class Given:
        contributions = np.stack([of_customers(np.random.default_rng(0).exponential(size=60)), np.ones(3000)], axis=1)

    share, lower, upper = shares(Given, 1)
    _, low, high = shares(Given, 1, of_customers(np.arange(60)))
    one = shares(Given, 1, np.zeros(3000, np.int64))

    assert high[0] - low[0] > 3 * (upper[0] - lower[0])
    assert [part.tolist() for part in one[1:]] == [[0.0, 0.0], [1.0, 1.0]]
    assert one[0] == pytest.approx(share)


def test_a_perfect_order_of_five_customers_is_not_certain():
    truth = np.repeat([1, 0], [500, 500])
    groups = np.concatenate([np.repeat(np.arange(5), 100), np.repeat(np.arange(5, 105), 5)])
    setting = Setting(groups=groups)
    stated = np.stack([0.9 - truth * 0.8, truth * 0.8 + 0.1], axis=1)
    area = ranked_metrics(truth, {"": ranked(truth, stated, (1,), setting, bounds=True)}, 2, setting)[0]

    assert area.values[""] == 1.0
    assert area.single("")[0] < 0.6
