"""Counterfactuals: what is found gets the wanted answer, is near, and leaves alone what must stay."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golive.domain.bundle import Decision, Manifest
from golive.domain.preparation import Bound, Preparation, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import UsageError
from golive.inference.counterfactual import Reach, counterfactuals
from golive.inference.goal import Goal
from golive.inference.road import open_road
from golive.inference.table import columns_of

INPUTS = (
    Field(name="income", dtype="float64"),
    Field(name="children", dtype="int64"),
    Field(name="age", dtype="float64"),
    Field(name="owner", dtype="bool"),
    Field(name="job", dtype="string", categories=("none", "part", "full")),
)
NUMBERS = ("income", "children", "age", "owner")
JOBS = ("none", "part", "full")


def credit(linear_graph, runtime, *, threshold=0.5, steps=(), age_weight=0.02):
    graph = linear_graph([0.001, -0.6, age_weight, 0.7], -3.0, tables=[[0.0, -1.0, 0.2, 1.5]], sigmoid=True)
    return open_road(
        Manifest(
            name="credit",
            signature=Signature(inputs=INPUTS, task="classification", target="granted", classes=("no", "yes")),
            preparation=Preparation(steps=steps, numbers=NUMBERS, categories=(Vocabulary("job", JOBS),)),
            decision=Decision(threshold=threshold),
        ),
        graph,
        runtime,
    )


def background(rows=100, seed=0):
    rng = np.random.default_rng(seed)
    jobs = np.empty(rows, dtype=object)
    jobs[:] = [JOBS[at] for at in rng.integers(0, 3, rows)]
    return {
        "income": rng.normal(2000, 700, rows).round(),
        "children": rng.integers(0, 5, rows).astype(np.float64),
        "age": rng.uniform(18, 80, rows),
        "owner": rng.integers(0, 2, rows).astype(np.float64),
        "job": jobs,
    }


def person(road, **values):
    values = {"income": 1500.0, "children": 2, "age": 30.0, "owner": False, "job": "none"} | values
    return columns_of(road.signature, {name: [value] for name, value in values.items()})


def asked_back(road, row, answer):
    """Answer the changed row as a caller would have it answered."""
    columns = {name: column.tolist() for name, column in row.items()}
    columns |= {change.input: [change.after] for change in answer.changes}
    return road.labels(road.columns(columns))[0]


def test_a_refused_loan_is_granted_for_every_answer_when_asked_back(linear_graph, runtime):
    road = credit(linear_graph, runtime)
    row = person(road)
    found = counterfactuals(road, background(), row, Goal())
    assert len(found.found) == 3
    assert [asked_back(road, row, answer) for answer in found.found] == ["yes"] * 3
    assert [answer.prediction for answer in found.found] == ["yes"] * 3
    assert [answer.distance for answer in found.found] == sorted(answer.distance for answer in found.found)
    assert found.asked <= 4000


def test_answers_change_different_columns_and_none_holds_another(linear_graph, runtime):
    road = credit(linear_graph, runtime)
    found = counterfactuals(road, background(), person(road), Goal(), reach=Reach(answers=5)).found
    sets = [frozenset(change.input for change in answer.changes) for answer in found]
    assert len(set(sets)) == len(sets)
    assert not any(one < other for one in sets for other in sets)


def test_a_number_moves_no_further_than_the_model_needs(linear_graph, runtime):
    road = credit(linear_graph, runtime)

    def answered(income):
        return road.labels(road.columns(person(road, income=income, children=0, age=50.0)))[0]

    turn = next(income for income in range(1000, 5000) if answered(float(income)) == "yes")
    fixed = ("children", "age", "owner", "job")
    row = person(road, income=1500.0, children=0, age=50.0)
    (answer,) = counterfactuals(road, background(), row, Goal(), immutable=fixed).found
    (change,) = answer.changes
    assert (change.input, change.before) == ("income", 1500.0)
    # Within a sixty-fourth of the way, and two significant digits.
    assert turn - 1 <= change.after <= turn + 100


def test_whole_numbers_stay_whole_and_bools_stay_bools(linear_graph, runtime):
    road = credit(linear_graph, runtime)
    found = counterfactuals(road, background(), person(road), Goal(), immutable=("income", "job")).found
    for answer in found:
        for change in answer.changes:
            assert isinstance(change.after, {"children": int, "owner": bool}.get(change.input, float))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    income=st.floats(0, 4000),
    children=st.integers(0, 6),
    owner=st.booleans(),
    job=st.sampled_from(JOBS),
    immutable=st.sets(st.sampled_from([field.name for field in INPUTS])),
    threshold=st.floats(0.05, 0.95),
)
def test_what_is_immutable_is_never_changed_and_every_answer_flips(
    linear_graph, runtime, income, children, owner, job, immutable, threshold
):
    road = credit(linear_graph, runtime, threshold=threshold)
    row = person(road, income=income, children=children, owner=owner, job=job)
    before = road.labels(road.columns(row))[0]
    found = counterfactuals(road, background(), row, Goal(), immutable=sorted(immutable))
    for answer in found.found:
        assert immutable.isdisjoint(change.input for change in answer.changes)
        assert 1 <= len(answer.changes) <= 3
        assert asked_back(road, row, answer) != before
    assert bool(found.found) != bool(found.reason)
    assert found.asked <= 4000


def test_the_same_row_gets_the_same_answers(linear_graph, runtime):
    road = credit(linear_graph, runtime)
    first, second = (counterfactuals(road, background(), person(road), Goal()) for _ in range(2))
    assert first == second


def test_when_everything_is_immutable_it_says_so(linear_graph, runtime):
    road = credit(linear_graph, runtime)
    found = counterfactuals(road, background(), person(road), Goal(), immutable=road.signature.names)
    assert found.found == ()
    assert found.reason.startswith("no column of this row can be changed")


def test_an_answer_out_of_reach_is_told_with_the_bounds(linear_graph, runtime):
    road = credit(linear_graph, runtime, threshold=0.9999)
    found = counterfactuals(road, background(), person(road), Goal(label="yes"), immutable=("income",))
    assert found.found == ()
    assert "no change of at most 3 of the 4 columns" in found.reason
    assert "the answer 'yes'" in found.reason
    assert "1 columns are immutable" in found.reason


def test_the_search_keeps_to_the_rows_it_may_ask_about(linear_graph, runtime):
    road = credit(linear_graph, runtime)
    for rows in (1, 10, 60, 300):
        assert counterfactuals(road, background(), person(road), Goal(), reach=Reach(rows=rows)).asked <= rows


def line(linear_graph, runtime, weights):
    names = tuple(f"c{place}" for place in range(len(weights)))
    fields = tuple(Field(name=name, dtype="float64") for name in names)
    manifest = Manifest(
        name="line",
        signature=Signature(inputs=fields, task="regression", target="y"),
        preparation=Preparation(numbers=names),
    )
    rng = np.random.default_rng(0)
    seen = {name: rng.uniform(-1, 1, 100) for name in names}
    return open_road(manifest, linear_graph(list(weights), 0.0), runtime), seen, dict.fromkeys(names, np.zeros(1))


@pytest.mark.parametrize(("width", "rows"), [(300, 4000), (40, 256), (100, 140)])
def test_the_last_of_many_columns_is_tried_like_the_first(linear_graph, runtime, width, rows):
    road, seen, row = line(linear_graph, runtime, [0.0] * (width - 1) + [10.0])
    wanted = 10.0 * float(np.abs(seen[f"c{width - 1}"]).max()) - 1.0
    goal = Goal(at_least=wanted) if seen[f"c{width - 1}"].max() * 10.0 >= wanted else Goal(at_most=-wanted)
    found = counterfactuals(road, seen, row, goal, reach=Reach(rows=rows))
    assert [change.input for answer in found.found for change in answer.changes] == [f"c{width - 1}"]
    assert found.asked <= rows


def test_the_reason_counts_the_columns_that_were_tried(linear_graph, runtime):
    road, seen, row = line(linear_graph, runtime, [0.01] * 50)
    found = counterfactuals(road, seen, row, Goal(at_least=99.0), reach=Reach(rows=40))
    assert "of the 30 columns that were tried (of 50 columns that may change)" in found.reason
    found = counterfactuals(road, seen, row, Goal(at_least=99.0))
    assert "of the 50 columns that may change" in found.reason


def test_pairs_that_hold_a_column_that_is_enough_alone_do_not_stand_for_triples(linear_graph, runtime):
    # The first is enough alone; of the others only all three together are.
    road, seen, row = line(linear_graph, runtime, [10.0, 2.0, 2.0, 2.0])
    found = counterfactuals(road, seen, row, Goal(at_least=5.0)).found
    sets = {tuple(sorted(change.input for change in answer.changes)) for answer in found}
    assert sets == {("c0",), ("c1", "c2", "c3")}


def test_a_row_that_the_steps_refuse_is_passed_over(linear_graph, runtime):
    old = Bound(column="age", maximum=50.0, outside="refuse")
    road = credit(linear_graph, runtime, steps=(old,), age_weight=1.0)
    fixed = ("income", "children", "owner", "job")
    row = person(road, age=1.0, income=-100_000.0)
    found = counterfactuals(road, background(), row, Goal(), immutable=fixed)
    assert found.found == ()
    row = person(road, age=1.0, income=0.0)
    (answer,) = counterfactuals(road, background(), row, Goal(), immutable=fixed).found
    assert answer.changes[0].after <= 50


def test_a_regression_moves_into_its_bounds(linear_graph, runtime):
    fields = (Field(name="area", dtype="float64"), Field(name="age", dtype="float64"))
    road = open_road(
        Manifest(
            name="houses",
            signature=Signature(inputs=fields, task="regression", target="price"),
            preparation=Preparation(numbers=("area", "age")),
        ),
        linear_graph([0.5, -1.0], 100.0),
        runtime,
    )
    rng = np.random.default_rng(0)
    seen = {"area": rng.uniform(50, 250, 100), "age": rng.uniform(0, 60, 100)}
    row = {"area": np.array([100.0]), "age": np.array([30.0])}
    for answer in counterfactuals(road, seen, row, Goal(at_least=140.0, at_most=160.0)).found:
        assert 140.0 <= answer.prediction <= 160.0
    already = counterfactuals(road, seen, row, Goal(at_least=100.0))
    assert (already.found, already.reason) == ((), "the answer is 120 already, which is within the bounds")
    with pytest.raises(UsageError, match="'at_least', 'at_most', or both"):
        counterfactuals(road, seen, row, Goal())
    with pytest.raises(UsageError, match="give bounds that leave room"):
        counterfactuals(road, seen, row, Goal(at_least=2.0, at_most=1.0))
    with pytest.raises(UsageError, match="not a label"):
        counterfactuals(road, seen, row, Goal(label="yes"))


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (Goal(label="perhaps"), "the answers are: no, yes"),
        (Goal(at_least=1.0), "name the label that is wanted"),
    ],
)
def test_a_goal_that_does_not_fit_the_classes_is_refused(linear_graph, runtime, goal, words):
    road = credit(linear_graph, runtime)
    with pytest.raises(UsageError, match=words):
        counterfactuals(road, background(), person(road), goal)


def test_a_row_that_has_the_wanted_answer_is_told_so(linear_graph, runtime):
    road = credit(linear_graph, runtime)
    found = counterfactuals(road, background(), person(road), Goal(label="no"))
    assert (found.found, found.reason) == ((), "the answer is 'no' already")


def test_an_unknown_immutable_column_is_refused(linear_graph, runtime):
    road = credit(linear_graph, runtime)
    with pytest.raises(UsageError, match="there is no input 'sex'"):
        counterfactuals(road, background(), person(road), Goal(), immutable=("sex",))
