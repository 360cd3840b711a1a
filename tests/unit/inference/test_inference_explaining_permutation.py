"""Permutations: any model is explained by asking it, within a bound of answers."""

import math

import numpy as np
import pytest

from golive.domain.bundle import Manifest
from golive.domain.preparation import Combine, DateParts, Normalize, Preparation, TextCounts, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, UsageError
from golive.inference.explaining.background import BACKGROUND, background_file
from golive.inference.explaining.explainer import RoadExplainer
from golive.inference.explaining.open import open_explainer
from golive.inference.explaining.sources import MIXED, sources_of
from golive.inference.front import compile_front
from golive.inference.road import Road

INPUTS = 12


class Product:
    """A session: the answer is the product of the first two numbers, and the sum of the others."""

    def __init__(self):
        self.asked = 0

    def run(self, numbers, codes):
        self.asked += len(numbers)
        return (numbers[:, :1] * numbers[:, 1:2] + numbers[:, 2:].sum(axis=1, keepdims=True)).astype(np.float64)


class Shares:
    """A session: three probabilities that go by the first number."""

    def run(self, numbers, codes):
        first = 1.0 / (1.0 + np.exp(-numbers[:, :1]))
        return np.concatenate((first, (1.0 - first) * 0.75, (1.0 - first) * 0.25), axis=1)


def road_of(names, session, *, preparation=None, **more):
    fields = tuple(Field(name=name, dtype="float64") for name in names)
    signature = Signature(inputs=fields, **{"task": "regression", "target": "y", **more})
    manifest = Manifest(name="m", signature=signature, preparation=preparation or Preparation(numbers=tuple(names)))
    return Road(manifest, compile_front(manifest.preparation, signature), session)


def table(names, rows, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=rows) for name in names}


def test_columns_beyond_eight_are_sampled_within_the_bound_and_add_up():
    names = tuple(f"x{place}" for place in range(INPUTS))
    session = Product()
    road = road_of(names, session)
    explainer = RoadExplainer(road, table(names, 50))
    rows = table(names, 3, seed=1)
    told = explainer.explain(rows, evaluations=5_000)
    assert session.asked <= 3 * 5_000 + 3
    assert told.error < 1e-12
    assert told.spread is not None
    usual = {name: explainer.background[name].mean() for name in names}
    for column in names[2:]:
        place = names.index(column)
        assert told.contributions[:, place] == pytest.approx(rows[column] - usual[column], abs=1e-9)
    first, second = (explainer.background[name] for name in names[:2])
    exact = 0.5 * (
        (rows["x0"] - usual["x0"]) * rows["x1"] + np.array([((x - first) * second).mean() for x in rows["x0"]])
    )
    assert np.abs(told.contributions[:, 0] - exact).max() < 5 * told.spread[:, 0].max() + 1e-12


@pytest.mark.parametrize("evaluations", [24, 48, 480, 25_600])
def test_the_base_is_the_mean_answer_to_all_background_rows_however_few_are_mixed(evaluations):
    names = tuple(f"x{place}" for place in range(INPUTS))
    road = road_of(names, Product())
    explainer = RoadExplainer(road, table(names, 100))
    told = explainer.explain(table(names, 3, seed=1), evaluations=evaluations)
    assert told.base == pytest.approx(np.full(3, road.columns(explainer.background).mean()), abs=1e-12)
    assert told.error < 1e-9
    assert told.evaluations <= evaluations
    assert told.background_rows == min(evaluations // 24, 100)


def test_a_column_that_moves_nothing_takes_no_part_of_the_gap():
    class Some:
        def run(self, numbers, codes):
            return numbers[:, :1] * numbers[:, 1:2]

    names = tuple(f"x{place}" for place in range(INPUTS))
    explainer = RoadExplainer(road_of(names, Some()), table(names, 100))
    for evaluations in (24, 96):
        told = explainer.explain(table(names, 1, seed=1), evaluations=evaluations)
        assert told.contributions[0, 2:].tolist() == [0.0] * (INPUTS - 2)
        assert told.error < 1e-9


def test_few_columns_mixed_with_some_of_the_rows_have_the_same_base():
    names = ("a", "b")
    road = road_of(names, Product())
    explainer = RoadExplainer(road, table(names, 100))
    told = explainer.explain(table(names, 2, seed=1), evaluations=4 * 20)
    assert (told.background_rows, told.evaluations, told.spread) == (20, 80, None)
    assert told.base == pytest.approx(np.full(2, road.columns(explainer.background).mean()))
    assert told.error < 1e-12


def test_the_answers_of_the_model_are_given_on():
    names = ("a", "b")
    road = road_of(names, Shares(), task="classification", classes=("x", "y", "z"))
    rows = table(names, 4, seed=3)
    told = RoadExplainer(road, table(names, 10)).explain(rows)
    assert told.given.tolist() == road.columns(rows).tolist()


def test_few_columns_are_exact_and_have_no_spread():
    names = ("a", "b")
    told = RoadExplainer(road_of(names, Product()), table(names, 30)).explain(
        {"a": np.array([2.0]), "b": np.array([3.0])}
    )
    held = table(names, 30)
    a, b = held["a"], held["b"]
    expected = 0.5 * ((2.0 - a.mean()) * 3.0 + ((2.0 - a) * b).mean())
    assert told.contributions[0, 0] == pytest.approx(expected)
    assert told.base[0] == pytest.approx((a * b).mean())
    assert told.spread is None


def test_the_same_rows_are_explained_alike_each_time_and_among_others():
    names = tuple(f"x{place}" for place in range(INPUTS))
    explainer = RoadExplainer(road_of(names, Product()), table(names, 20))
    rows = table(names, 5, seed=2)
    all_of_them = explainer.explain(rows, evaluations=500)
    alone = explainer.explain({name: column[3:4] for name, column in rows.items()}, evaluations=500)
    assert alone.contributions.tobytes() == all_of_them.contributions[3:4].tobytes()


def test_of_several_classes_the_most_probable_is_explained():
    names = ("a", "b")
    road = road_of(names, Shares(), task="classification", classes=("x", "y", "z"))
    explainer = RoadExplainer(road, table(names, 10))
    told = explainer.explain({"a": np.array([3.0, -3.0]), "b": np.zeros(2)})
    assert (told.scale, told.outputs.tolist()) == ("probability", [0, 1])
    assert told.contributions[:, 1] == pytest.approx(0.0)
    assert explainer.explain({"a": np.array([3.0]), "b": np.zeros(1)}, output=2).outputs.tolist() == [2]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"output": 1}, "output 1"),
        ({"output": -1}, "output -1"),
        ({"evaluations": 0}, "at least 1"),
        ({"evaluations": 9}, "at least 24"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, message):
    names = tuple(f"x{place}" for place in range(INPUTS))
    explainer = RoadExplainer(road_of(names, Product()), table(names, 10))
    with pytest.raises(UsageError, match=message):
        explainer.explain(table(names, 1), **asked)


def test_a_row_that_does_not_fit_is_refused_by_name():
    explainer = RoadExplainer(road_of(("a", "b"), Product()), table(("a", "b"), 10))
    with pytest.raises(InvalidRowError, match="'a' is missing"):
        explainer.explain({"a": np.array([math.nan]), "b": np.array([1.0])})


def test_columns_that_a_step_mixes_are_mixed_before_it():
    preparation = Preparation(
        steps=(Combine(into="both", operation="product", columns=("a", "b")),), numbers=("both", "a")
    )

    class First:
        def run(self, numbers, codes):
            return numbers[:, :1]

    explainer = RoadExplainer(road_of(("a", "b"), First(), preparation=preparation), table(("a", "b"), 30))
    told = explainer.explain({"a": np.array([2.0]), "b": np.array([3.0])})
    held = table(("a", "b"), 30)
    expected = 0.5 * ((2.0 - held["a"].mean()) * 3.0 + ((2.0 - held["a"]) * held["b"]).mean())
    assert told.contributions[0, 0] == pytest.approx(expected)
    assert told.error < 1e-12


def test_sources_follow_the_steps():
    preparation = Preparation(
        steps=(
            Normalize(column="text"),
            TextCounts(column="text"),
            DateParts(column="day", parts=("year", "month")),
            Combine(into="sum", operation="sum", columns=("a", "day_year")),
            Combine(into="root", operation="square", columns=("a",)),
        ),
        numbers=("a", "text_words", "day_month", "sum", "root"),
        categories=(Vocabulary(column="text", values=("x",)),),
    )
    found = sources_of(preparation, ("day", "text", "a"))
    assert found.numbers.tolist() == [2, 1, 0, MIXED, 2]
    assert found.codes.tolist() == [1]
    assert not found.are_single


def test_a_bundle_of_tensors_is_not_explained():
    signature = Signature(inputs=(), task="tensors", target="y")
    manifest = Manifest(name="m", signature=signature, preparation=Preparation())
    road = Road(manifest, compile_front(Preparation(), Signature(inputs=(), task="regression", target="y")), Product())
    with pytest.raises(UsageError, match="takes tensors"):
        open_explainer(road, {})


def test_texts_of_the_background_are_cut():
    signature = Signature(inputs=(Field(name="t", dtype="string", nullable=True),), task="regression", target="y")
    held = background_file(signature, {"t": np.array(["é" * 5_000, None], dtype=object)}, 2)
    assert len(held) < 2_100, BACKGROUND


class Weighed:
    """A session: a number of several columns beside single ones; it counts the rows that it is asked about."""

    def __init__(self):
        self.asked = 0

    def run(self, numbers, codes):
        self.asked += len(numbers)
        return (numbers[:, 0] ** 2 + numbers[:, 1:] @ np.arange(1.0, numbers.shape[1]))[:, None]


@pytest.mark.parametrize("inputs", [4, INPUTS])
def test_columns_combined_into_one_number_are_explained_as_if_the_model_combined_them(inputs):
    class Combining(Weighed):
        def run(self, numbers, codes):
            return super().run(np.column_stack([numbers[:, 0] + numbers[:, 1], numbers]), codes)

    names = tuple(f"x{place}" for place in range(inputs))
    step = Combine(into="both", operation="sum", columns=("x0", "x1"))
    combined = road_of(names, Weighed(), preparation=Preparation(steps=(step,), numbers=("both", *names)))
    background, rows = table(names, 30), table(names, 3, seed=1)
    ours = RoadExplainer(combined, background).explain(rows, evaluations=600)
    theirs = RoadExplainer(road_of(names, Combining()), background).explain(rows, evaluations=600)
    assert ours.contributions.tobytes() == theirs.contributions.tobytes()


@pytest.mark.parametrize("inputs", [6, INPUTS])
def test_mixed_rows_that_enter_the_model_alike_are_asked_for_once(inputs):
    names = tuple(f"x{place}" for place in range(inputs))
    background = {name: np.zeros(20) for name in names} | {"x0": np.arange(20.0)}
    row = {name: np.zeros(1) for name in names} | {"x0": np.array([7.0]), "x1": np.array([1.0])}
    session = Weighed()
    explainer = RoadExplainer(road_of(names, session), background)
    before = session.asked
    told = explainer.explain(row, evaluations=20 * 2**6)
    walks = told.evaluations // (2 * inputs)
    assert session.asked - before <= 1 + (2 * 20 if inputs == 6 else 2 * walks)
    assert told.contributions[0, 2:] == pytest.approx(0.0, abs=1e-9)
    assert told.contributions[0, :2] == pytest.approx([49.0 - np.mean(np.arange(20.0) ** 2), 1.0])
