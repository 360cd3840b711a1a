"""Students learn what a bundle answers, and read what it reads."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from golive.adapters.optimizers.distill import LEAST_ROWS, DistillOptimizer, size_of
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.inference.front import compile_front
from golive.inference.table import columns_of
from golive.ports import Subject


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "size": np.where(rng.random(500) < 0.1, np.nan, rng.normal(size=500)),
            "kind": rng.choice(np.array(["a", "b", None], dtype=object), 500),
        }
    )
    score = rows["size"].fillna(0.5) * 2 + (rows["kind"] == "a") * 1.5
    return rows, score.to_numpy()


def model_of(learner):
    front = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["kind"]), (SimpleImputer(strategy="median"), ["size"])
    )
    return make_pipeline(front, learner)


def asked(candidate, rows, answers_of):
    """Answer rows of a table by a student, missing and never-seen values among them."""
    fields = (Field(name="size", dtype="float64", nullable=True), Field(name="kind", dtype="string", nullable=True))
    signature = Signature(inputs=fields, task="regression", target="y")
    front = compile_front(candidate.preparation, signature)
    return answers_of(candidate.graph, *front.columns(columns_of(signature, {name: rows[name] for name in rows})))


def test_students_of_a_classifier_give_probabilities_near_to_its_own(table, subject_of, answers_of):
    rows, score = table
    subject = subject_of(model_of(RandomForestClassifier(30, max_depth=5, random_state=0)).fit(rows, score > 1), rows)
    candidates = list(DistillOptimizer().candidates(subject))
    assert [one.name for one in candidates] == ["distilled: network 32-16", "distilled: boosting, 60 trees of 8"]
    for candidate in candidates:
        answers = asked(candidate, rows, answers_of)
        np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-6)
        agree = ((answers[:, 1] > 0.5) == (subject.answers[:, 1] > 0.5)).mean()
        assert agree > 0.93
        strange = pd.DataFrame({"size": [np.nan, 1.0], "kind": ["never seen", None]})
        assert np.isfinite(asked(candidate, strange, answers_of)).all()


def test_students_of_a_regression_give_its_values_in_its_units(table, subject_of, answers_of):
    rows, score = table
    subject = subject_of(model_of(RandomForestRegressor(20, max_depth=6, random_state=0)).fit(rows, 1000 * score), rows)
    for candidate in DistillOptimizer().candidates(subject):
        answers = asked(candidate, rows, answers_of)
        error = np.sqrt(((answers - subject.answers) ** 2).mean())
        assert error < 0.25 * subject.answers.std()


def test_several_classes_are_learned_by_a_network(table, subject_of, answers_of):
    rows, score = table
    subject = subject_of(
        model_of(RandomForestClassifier(20, max_depth=5, random_state=0)).fit(rows, np.digitize(score, [0, 2])), rows
    )
    student = next(iter(DistillOptimizer().candidates(subject)))
    answers = asked(student, rows, answers_of)
    assert answers.shape == (500, 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-6)
    assert (answers.argmax(axis=1) == subject.answers.argmax(axis=1)).mean() > 0.9


@pytest.mark.heavy
def test_a_large_bundle_has_a_larger_student_too_and_several_classes_no_boosting(table, subject_of):
    rows, score = table
    forest = RandomForestClassifier(60, random_state=0)
    subject = subject_of(model_of(forest).fit(rows, np.digitize(score, [0, 2])), rows)
    assert 3 * size_of(subject, (64, 32)) < len(subject.graph)
    names = [candidate.name for candidate in DistillOptimizer().candidates(subject)]
    assert names == ["distilled: network 32-16", "distilled: network 64-32"]


def test_the_size_of_a_student_is_that_of_its_weights(table, subject_of):
    rows, score = table
    subject = subject_of(model_of(RandomForestRegressor(2, max_depth=2, random_state=0)).fit(rows, score), rows)
    assert size_of(subject, (32, 16)) == 2 * (3 * 32 + 32 * 16 + 16 * 1)


@pytest.mark.heavy
def test_the_same_subject_makes_the_same_students(table, subject_of):
    rows, score = table
    subject = subject_of(model_of(RandomForestClassifier(5, max_depth=3, random_state=0)).fit(rows, score > 1), rows)
    first, second = (next(iter(DistillOptimizer().candidates(subject))) for _ in range(2))
    assert first == second


def test_too_few_rows_teach_nothing():
    rows = LEAST_ROWS - 1
    subject = Subject(
        graph=b"",
        preparation=Preparation(numbers=("a",)),
        task="regression",
        numbers=np.zeros((rows, 1)),
        codes=np.zeros((rows, 0), np.int64),
        answers=np.zeros((rows, 1)),
        seed=0,
    )
    assert not list(DistillOptimizer().candidates(subject))
