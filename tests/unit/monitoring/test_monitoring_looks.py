import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from golive.domain.digest import Digest
from golive.domain.policy import Policy
from golive.domain.profile import ColumnProfile, Profile
from golive.errors import UsageError
from golive.judge import judge
from golive.monitoring.looks import live_evidence, passed_over, watch
from golive.statistics.bins import category_bins, number_bins

BUNDLE = Digest("sha256:" + "a" * 64)
SHARES = [0.1] * 10
STREETS = np.array([f"street {index}" for index in range(10)], dtype=object)


def draw(rows, seed, *, shift=0.0, scale=1.0, missing=0.02, shares=SHARES):
    """Rows of a made-up model: five number inputs, one category input, one prediction."""
    generator = np.random.default_rng(seed)
    columns = {f"n{index}": generator.normal(size=rows) for index in range(5)}
    columns["n0"] = (columns["n0"] + shift) * scale
    columns["n1"] = np.exp(columns["n1"])
    columns["n2"][generator.uniform(size=rows) < missing] = np.nan
    columns["street"] = STREETS[generator.choice(10, size=rows, p=shares)]
    columns["prediction"] = columns["n1"] + columns["n3"]
    return columns


def profile_of(columns):
    def column(name):
        values = columns[name]
        if values.dtype == object:
            kept, counts = category_bins(values)
            return ColumnProfile(name=name, values=kept, counts=counts)
        edges, counts = number_bins(values)
        return ColumnProfile(name=name, edges=edges, counts=counts)

    names = [name for name in columns if name != "prediction"]
    rows = len(columns["prediction"])
    return Profile(rows=rows, inputs=tuple(map(column, names)), outputs=(column("prediction"),))


PROFILE_ROWS = 20_000


@pytest.fixture(scope="module")
def profile():
    return profile_of(draw(PROFILE_ROWS, 1))


def records(*parts):
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows = len(joined["prediction"])
    return joined | {"at": np.arange(rows, dtype=np.int64) * 10**9, "id": np.arange(rows).astype(object)}


def test_too_few_rows_are_a_state_of_their_own(profile):
    seen = watch(profile, records(draw(999, 2)))
    assert seen.state == "not-enough-rows"
    assert (seen.rows, seen.waiting, seen.looks, seen.alarms) == (999, 999, (), ())
    assert "999 rows are in, and a look needs 1,000" in seen.text
    with pytest.raises(UsageError, match="no look to report"):
        live_evidence(seen, BUNDLE, at="t", code="c")


def test_looks_do_not_overlap_and_the_rest_waits(profile):
    seen = watch(profile, records(draw(2500, 2)))
    assert [(look.number, look.start_ns, look.end_ns, look.rows) for look in seen.looks] == [
        (0, 0, 999 * 10**9, 1000),
        (1, 1000 * 10**9, 1999 * 10**9, 1000),
    ]
    assert seen.waiting == 500
    assert {column.name for column in seen.looks[0].columns} == {"n0", "n1", "n2", "n3", "n4", "street", "prediction"}


def test_a_look_does_not_change_when_more_rows_come(profile):
    rows = draw(3000, 2)
    early = watch(profile, records({name: values[:2100] for name, values in rows.items()}))
    assert watch(profile, records(rows)).looks[:2] == early.looks


def test_rows_that_are_in_no_look_any_more_need_not_be_read(profile):
    rows = records(draw(20_750, 5))
    earlier = passed_over(20_750, 100)
    assert earlier == 700
    rest = {name: values[earlier:] for name, values in rows.items()}
    assert watch(profile, rest, look_rows=100, earlier=earlier) == watch(profile, rows, look_rows=100)
    assert passed_over(20_099, 100) == passed_over(50, 100) == 0


def test_weeks_without_any_change_are_quiet(profile):
    for week in range(2):
        seen = watch(profile, records(draw(168_000, 100 + week)))
        assert len(seen.looks) == 168
        assert [look.alarms for look in seen.looks if look.alarms] == []
        assert seen.state == "quiet"


@pytest.mark.parametrize(
    ("change", "column", "kind"),
    [
        ({"shift": 0.3}, "n0", "shift"),
        ({"shares": [0.2] + [0.8 / 9] * 9}, "street", "shift"),
        ({"missing": 0.06}, "n2", "missing"),
    ],
)
def test_a_planted_change_is_found_within_three_looks(profile, change, column, kind):
    for seed in range(5):
        seen = watch(profile, records(draw(2000, seed), draw(3000, 50 + seed, **change)))
        assert not seen.looks[1].alarms
        assert seen.state == "alarm"
        assert {(alarm.column, alarm.kind) for alarm in seen.alarms} == {(column, kind)}


def test_a_change_of_unit_is_found_in_one_look(profile):
    for seed in range(5):
        seen = watch(profile, records(draw(1000, seed), draw(1000, 50 + seed, scale=1000.0)))
        alarm = seen.alarms[0]
        assert (alarm.column, alarm.severe, alarm.looks) == ("n0", True, 1)
        assert "severe, in this look" in alarm.text


def test_a_new_category_value_is_found_as_unseen(profile):
    moved = draw(3000, 5)
    moved["street"][::20] = "a new street"
    seen = watch(profile, records(moved))
    (unseen,) = [alarm for alarm in seen.alarms if alarm.kind == "unseen"]
    assert "values that training did not know: 5.0%, in training 0.0%" in unseen.text


def test_an_alarm_says_what_moved_by_how_much_and_how_often(profile):
    seen = watch(profile, records(draw(3000, 6, shift=0.5)))
    (alarm,) = seen.alarms
    assert alarm.text.startswith("input n0: W1 0.")
    assert alarm.text.endswith("in 3 of the last 3 looks")
    assert seen.text.startswith("1 alarm at the look of 1,000 rows until 1970-01-01 00:49 UTC; 1 of the 2 looks before")


def test_an_alarm_ends_when_the_change_ends(profile):
    seen = watch(profile, records(draw(3000, 7, shift=0.5), draw(1000, 8)))
    assert seen.looks[2].alarms
    assert seen.state == "quiet"
    assert seen.alarms == ()


def test_alarms_are_ranked_by_effect_times_importance(profile):
    weights = {"n0": 1.0, "n4": 10.0}
    inputs = tuple(
        ColumnProfile(
            name=one.name,
            edges=one.edges,
            values=one.values,
            counts=one.counts,
            importance=weights.get(one.name, 1.0),
        )
        for one in profile.inputs
    )
    rows = draw(3000, 9, shift=1.0)
    rows["n4"] = rows["n4"] + 0.4
    seen = watch(Profile(rows=PROFILE_ROWS, inputs=inputs, outputs=profile.outputs), records(rows))
    assert [alarm.column for alarm in seen.alarms] == ["n4", "n0"]


def test_predictions_are_watched_as_outputs(profile):
    rows = draw(3000, 10)
    rows["prediction"] = rows["prediction"] * 0.5
    (alarm,) = watch(profile, records(rows)).alarms
    assert (alarm.column, alarm.role) == ("prediction", "output")


def test_the_gate_judges_live_evidence_like_any_other(profile):
    policy = Policy(rules=("drift.alarms <= 0", "drift.n0.w1 <= 0.15", "drift.street.unseen <= 0.01"))
    quiet, moved = (
        live_evidence(watch(profile, records(draw(3000, 11, shift=shift))), BUNDLE, at="t", code="c")
        for shift in (0.0, 0.5)
    )
    assert quiet.kind == "live"
    assert judge(quiet, policy).outcome == "pass"
    assert [reason.outcome for reason in judge(moved, policy).reasons] == ["fail", "fail", "pass"]
    assert moved.details["alarms"] == [
        alarm.text for alarm in watch(profile, records(draw(3000, 11, shift=0.5))).alarms
    ]


def test_real_columns_resampled_from_training_are_quiet_and_a_broken_one_rings():
    data = load_breast_cancer().data
    generator = np.random.default_rng(12)
    names = [f"mean {index}" for index in range(data.shape[1])]

    def columns(rows):
        return dict(zip(names, data[rows].T.copy(), strict=True)) | {"prediction": data[rows, 0]}

    reference = profile_of(columns(np.arange(len(data))))
    live = columns(generator.integers(len(data), size=5000))
    assert watch(reference, records(live)).state == "quiet"
    live["mean 3"][2000:] = 0.0
    seen = watch(reference, records(live))
    assert {alarm.column for alarm in seen.alarms} == {"mean 3"}
    assert live_evidence(seen, BUNDLE, at="t", code="c").find("drift.mean_3.w1").value > 0.15
