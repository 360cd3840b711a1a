"""Robustness on models whose answers are known: what a stress does to them can be said beforehand."""

import json

import msgspec
import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from golive.domain.bundle import Decision
from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence
from golive.domain.judging import Declared, Picture
from golive.domain.policy import Policy
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, UnavailableError
from golive.evaluation.pages.chapter import written
from golive.evaluation.pages.findings import sentence
from golive.evaluation.pages.phrases import phrases, table
from golive.evaluation.pages.stress import stress
from golive.evaluation.sections import with_sections
from golive.evaluation.stress.part import robustness
from golive.evaluation.subject import Rows, Section, Subject

ROWS = 600


def subject_of(columns, truth, predict, *, task="classification", classes=("no", "yes"), fields=None, rules=(), **more):
    truth = np.asarray(truth)
    fields = fields or tuple(
        Field(name=name, dtype="string" if values.dtype == object else "float64") for name, values in columns.items()
    )
    predicted = predict(columns)
    return Subject(
        signature=Signature(inputs=fields, task=task, target="y", classes=classes if task == "classification" else ()),
        decision=Decision(),
        test=Rows(columns=columns, truth=truth),
        kept=np.arange(len(truth)),
        answers={"": predicted, "baseline": np.tile(predicted.mean(axis=0), (len(truth), 1))},
        predict=predict,
        policy=Policy(rules=rules),
        **more,
    )


def two(chance):
    return np.stack([1.0 - chance, chance], axis=1)


def normal_columns(count, rows=ROWS, seed=3):
    drawn = np.random.default_rng(seed).standard_normal((count, rows))
    return {f"x{place}": values for place, values in enumerate(drawn)}


def measured(section):
    return {measure.name: measure for measure in section.measures}


@pytest.fixture(scope="module")
def linear():
    columns = normal_columns(3)
    weights = {"x0": 2.0, "x1": -0.5, "x2": 0.0}

    def predict(table):
        with np.errstate(over="ignore"):
            return two(1.0 / (1.0 + np.exp(-sum(weight * table[name] for name, weight in weights.items()) - 0.1)))

    noise = np.random.default_rng(4).logistic(size=ROWS)
    margin = 2.0 * columns["x0"] - 0.5 * columns["x1"] + 0.1
    subject = subject_of(
        columns, (margin + noise > 0).astype(np.int64), predict, rules=("auc.lower >= 0.8", "accuracy >= 0.7")
    )
    return subject, margin, robustness(subject)


def test_rows_flip_exactly_where_the_margin_of_a_linear_model_says(linear):
    subject, margin, section = linear
    columns = subject.test.columns
    distance = np.min(
        [np.abs(margin) / (abs(weight) * columns[name].std()) for name, weight in (("x0", 2.0), ("x1", -0.5))], axis=0
    )
    steps = section.details["flips"]["steps"]
    assert section.details["flips"]["rows"] == ROWS
    assert [step["value"] for step in steps] == [float(np.mean(distance < step["strength"])) for step in steps]
    assert section.details["flips"]["by_column"][0]["column"] == "x0"


def test_a_column_that_the_model_ignores_does_no_harm_by_itself(linear):
    _, _, section = linear
    ignored = [row for row in section.details["singles"]["table"] if row["columns"] == ["x2"]]
    assert {row["kind"] for row in ignored} == {"unit", "constant"}
    assert all(row["drop"] == 0.0 and row["lower"] == row["upper"] == 0.0 for row in ignored)
    assert section.details["singles"]["table"][0]["columns"] != ["x2"]


def test_more_noise_does_more_harm_and_a_dead_feed_is_worst_on_the_column_that_matters(linear):
    _, _, section = linear
    found = measured(section)
    drops = [found[f"robustness.noise_{size}.auc_drop"].value for size in ("0_1", "0_2", "0_5", "1")]
    assert drops == sorted(drops)
    assert found["robustness.noise_1.auc_drop"].lower > 0.05
    assert found["robustness.constant.worst_auc_drop"].note.startswith("x0 (constant)")


def test_the_same_subject_gives_the_same_section_byte_for_byte(linear):
    subject, _, section = linear
    assert msgspec.json.encode(robustness(subject)) == msgspec.json.encode(section)


def test_a_rule_breaks_at_the_strength_where_it_is_known_to():
    column = np.linspace(-1.0, 1.0, ROWS)
    fields = (Field(name="x", dtype="float64", nullable=True),)

    def predict(table):
        return np.nan_to_num(table["x"], nan=10.0)[:, None]

    # Every missing cell is an error of about 10, so mae is 10 times the share that is missing. Half a range (1) beyond
    # either end is about 2 away from where a row was, a tenth of it (0.2) about 1.2.
    section = robustness(
        subject_of({"x": column}, column, predict, task="regression", fields=fields, rules=("mae <= 1.5",))
    )
    (limit,) = section.details["limits"]
    assert limit["holds"]
    assert limit["clean"] == 0.0
    assert {found["family"]: found["strength"] for found in limit["breaks"]} == {"missing": 0.2, "out_of_range": 0.5}
    assert not section.findings
    assert section.checked == ("robustness",)


def test_a_rule_that_one_percent_of_missing_cells_breaks_is_a_finding_in_both_languages():
    column = np.linspace(-1.0, 1.0, ROWS)
    fields = (Field(name="x", dtype="float64", nullable=True),)
    noise = 0.1 * np.random.default_rng(0).standard_normal(ROWS)

    def predict(table):
        return np.nan_to_num(table["x"], nan=100.0)[:, None]

    subject = subject_of(
        {"x": column}, column + noise, predict, task="regression", fields=fields, rules=("rmse.upper <= 0.2",)
    )
    section = robustness(subject)
    assert [finding.values["stress"] for finding in section.findings] == ["missing_1"]
    for finding in section.findings:
        assert finding.p < 0.002
        key = f"finding.robustness.{finding.code}"
        assert key in table()
        assert phrases("en")(key, **finding.values) == finding.text
        assert "rmse.upper <= 0.2" in phrases("zh")(key, **finding.values)


def test_a_rule_that_does_not_hold_without_stress_is_no_finding(linear):
    subject, _, _ = linear
    section = robustness(msgspec.structs.replace(subject, policy=Policy(rules=("accuracy >= 0.99",))))
    assert section.details["limits"][0]["holds"] is False
    assert section.findings == ()
    assert section.checked == ()


def test_rules_about_other_things_are_left_alone_and_those_about_the_champion_are_named(linear):
    subject, _, _ = linear
    rules = ("size_mb <= 20", "auc - champion.auc >= -0.01", "(auc - baseline.auc).lower >= 0.1", "leakage == none")
    details = robustness(msgspec.structs.replace(subject, policy=Policy(rules=rules))).details
    assert [limit["rule"] for limit in details["limits"]] == ["(auc - baseline.auc).lower >= 0.1"]
    assert details["unfollowed"] == ["auc - champion.auc >= -0.01"]


def test_required_cells_that_are_missing_are_refused_and_not_measured(linear):
    _, _, section = linear
    found = measured(section)
    assert found["robustness.missing_50.refused"].value == pytest.approx(1 - 0.5**3, abs=0.06)
    assert not any(name.startswith("robustness.missing_") and name.endswith("_drop") for name in found)


def test_rows_that_a_server_refuses_are_counted_and_the_others_measured():
    columns = normal_columns(1)

    def predict(table):
        if (np.abs(table["x0"]) > 50.0).any():
            message = "too far"
            raise InvalidRowError(message, field="$[0].x0")
        return table["x0"][:, None]

    section = robustness(subject_of(columns, columns["x0"] + 0.1, predict, task="regression"))
    (row,) = [row for row in section.details["singles"]["table"] if row["stress"] == "x1000"]
    share = np.mean(np.abs(columns["x0"]) > 0.05)
    assert row["refused"] == pytest.approx(share, abs=0.06)
    assert row["drop"] > 0.0


def test_answers_that_are_no_numbers_are_said_and_never_measured():
    columns = normal_columns(1)

    def predict(table):
        return np.where(np.abs(table["x0"]) > 6.0, np.nan, table["x0"])[:, None]

    section = robustness(subject_of(columns, columns["x0"] + 0.1, predict, task="regression", rules=("rmse <= 1e9",)))
    found = measured(section)
    assert "robustness.unit.worst_rmse_ratio" not in found
    assert "robustness.out_of_range_100.rmse_drop" not in found
    assert section.details["limits"][0]["breaks"][0]["value"] is None
    assert "no numbers" in str(written(stress(evidence_of(section), phrases("en"))))


def test_flips_of_a_tree_are_found_at_its_thresholds():
    columns = normal_columns(4, rows=1500)
    matrix = np.stack(list(columns.values()), axis=1)
    truth = (columns["x1"] > 0.3).astype(np.int64)
    tree = DecisionTreeClassifier(max_depth=1).fit(matrix, truth)
    section = robustness(
        subject_of(columns, truth, lambda table: tree.predict_proba(np.stack(list(table.values()), axis=1)))
    )
    flips = section.details["flips"]
    near = np.abs(columns["x1"] - tree.tree_.threshold[0]) / columns["x1"].std()
    assert [row["column"] for row in flips["by_column"]] == ["x1"]
    assert flips["steps"][3]["value"] == pytest.approx(np.mean(near <= 0.1), abs=0.03)


def test_the_answer_of_a_regression_moves_as_far_as_its_steepest_column():
    columns = normal_columns(2)
    truth = 3.0 * columns["x0"] + columns["x1"]
    section = robustness(
        subject_of(columns, truth, lambda table: (3.0 * table["x0"] + table["x1"])[:, None], task="regression")
    )
    expected = 0.1 * 3.0 * columns["x0"].std() / truth.std()
    assert measured(section)["robustness.change_0_1"].value == pytest.approx(expected, rel=1e-6)
    assert section.details["flips"]["by_column"][0]["column"] == "x0"


def category_subject(predict=None, **more):
    drawn = np.random.default_rng(1).integers(0, 3, ROWS)
    words = np.array(["red", "green", "blue"], dtype=object)
    columns = {"color": words[drawn], "empty": np.array([None] * ROWS, dtype=object)}
    fields = (
        Field(name="color", dtype="string", categories=("red", "green", "blue")),
        Field(name="empty", dtype="string", nullable=True),
    )
    known = {"red": 0.9, "green": 0.1, "blue": 0.2}

    def asked(table):
        return two(np.array([known.get(text, 0.5) for text in table["color"]]))

    truth = (np.random.default_rng(2).random(ROWS) < asked(columns)[:, 1]).astype(np.int64)
    return subject_of(columns, truth, predict or asked, fields=fields, **more)


def test_a_table_of_categories_is_respelt_and_has_no_number_to_move():
    section = robustness(category_subject())
    found = measured(section)
    for family in ("unseen_50", "misspelt_50", "case_100", "whitespace_100", "encoding_100"):
        assert found[f"robustness.{family}.auc_drop"].lower > 0.05
    assert found["robustness.whitespace_100.auc_drop"].value == pytest.approx(
        found["robustness.case_100.auc_drop"].value
    )
    assert not any("noise" in name or "flips" in name for name in found)
    assert section.details["flips"]["steps"] == []


def test_a_model_that_trims_and_folds_its_texts_is_not_hurt_by_blanks_or_case():
    plain = category_subject()

    def folded(table):
        return plain.predict({**table, "color": [text.strip().lower() for text in table["color"]]})

    found = measured(robustness(category_subject(folded)))
    assert found["robustness.case_100.auc_drop"].value == 0.0
    assert found["robustness.whitespace_100.auc_drop"].value == 0.0
    assert found["robustness.unseen_50.auc_drop"].value > 0.05


def test_a_constant_model_loses_nothing():
    columns = normal_columns(2)
    section = robustness(subject_of(columns, np.arange(ROWS) % 2, lambda table: np.full((len(table["x0"]), 2), 0.5)))
    assert {measure.value for measure in section.measures if not measure.name.endswith("refused")} == {0.0}
    assert section.details["flips"]["by_column"] == []


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_one_row_has_no_intervals_and_no_crash(task):
    columns = {"x0": np.array([1.0]), "word": np.array(["a"], dtype=object)}

    def predict(table):
        return table["x0"][:, None] if task == "regression" else two(np.clip(np.abs(table["x0"]) / 4.0, 0.0, 1.0))

    section = robustness(subject_of(columns, [1.0] if task == "regression" else [1], predict, task=task))
    assert all(measure.lower is None for measure in section.measures if measure.name.endswith("_drop"))
    json.dumps(section.details, allow_nan=False)
    assert written(stress(evidence_of(section), phrases("zh")))


def test_one_class_in_the_test_rows_leaves_accuracy():
    columns = normal_columns(2)
    section = robustness(
        subject_of(
            columns, np.ones(ROWS, dtype=np.int64), lambda table: two(1 / (1 + np.exp(-np.clip(table["x0"], -9, 9))))
        )
    )
    found = measured(section)
    assert "robustness.noise_1.auc_drop" not in found
    assert "robustness.noise_1.accuracy_drop" in found
    assert section.details["clean"]["auc"] is None
    assert section.details["singles"]["metric"] == "accuracy"
    assert written(stress(evidence_of(section), phrases("en")))


def test_a_thousand_classes_are_stressed_by_accuracy():
    columns = normal_columns(2, rows=300)
    centers = np.linspace(-2, 2, 1000)

    def predict(table):
        near = np.exp(-((np.clip(table["x0"], -9, 9)[:, None] - centers) ** 2))
        return near / near.sum(axis=1, keepdims=True)

    truth = predict(columns).argmax(axis=1)
    section = robustness(subject_of(columns, truth, predict, classes=tuple(map(str, range(1000)))))
    assert measured(section)["robustness.noise_1.accuracy_drop"].value > 0.5


def test_of_many_columns_those_that_matter_are_tried_alone_and_the_rest_is_said():
    columns = normal_columns(300)
    matters = [f"x{place}" for place in (7, 123, 250)]
    truth = sum(columns[name] for name in matters)
    section = robustness(
        subject_of(columns, truth, lambda table: sum(table[name] for name in matters)[:, None], task="regression")
    )
    alone = [row for row in section.details["singles"]["table"] if row["kind"] != "swap"]
    harmed = {row["columns"][0] for row in alone if (row["drop"] or 0.0) > 0.1}
    assert harmed == set(matters)
    assert section.details["columns"] == {"all": 300, "tried": 40}
    assert section.notes[0]["code"] == "stress_columns"


def test_whole_numbers_stay_whole_under_every_stress():
    column = np.random.default_rng(0).integers(0, 50, ROWS).astype(np.float64)
    seen = []

    def predict(table):
        seen.append(bool((np.round(table["n"]) == table["n"]).all()))
        return table["n"][:, None]

    robustness(subject_of({"n": column}, column, predict, task="regression", fields=(Field(name="n", dtype="int64"),)))
    assert all(seen)


def picture_subject(**more):
    rng = np.random.default_rng(0)
    images = np.zeros((ROWS, 6, 6))
    truth = rng.integers(0, 2, ROWS)
    images[truth == 0, :, 1] = 1.0
    images[truth == 1, :, 4] = 1.0
    flat = np.clip(images.reshape(ROWS, -1) + 0.05 * rng.standard_normal((ROWS, 36)), 0.0, 1.0)
    columns = {f"p{place}": flat[:, place] for place in range(36)}

    def predict(table):
        whole = np.stack([table[f"p{place}"] for place in range(36)], axis=1).reshape(-1, 6, 6)
        left, right = whole[:, :, 1].sum(axis=1), whole[:, :, 4].sum(axis=1)
        return two(1.0 / (1.0 + np.exp(np.clip(left - right, -50.0, 50.0))))

    return subject_of(columns, truth, predict, **more)


def test_a_declared_picture_is_shifted_covered_and_turned():
    section = robustness(picture_subject(declared=Declared(picture=Picture(height=6, width=6))))
    found = measured(section)
    assert found["robustness.brightness_10.accuracy_drop"].value == pytest.approx(0.0, abs=0.01)
    assert found["robustness.shift_2.accuracy_drop"].value > 0.1
    assert {"robustness.image_noise_5.accuracy_drop", "robustness.rotation_20.accuracy_drop"} <= set(found)
    assert "robustness.noise_0_1.accuracy_drop" not in found
    assert "stress-images" in {drawn.plot.name for drawn in stress(evidence_of(section), phrases("en")).drawn}


def test_a_picture_that_does_not_fit_is_said_and_the_columns_are_plain_numbers():
    section = robustness(picture_subject(declared=Declared(picture=Picture(height=9, width=9))))
    assert [note["code"] for note in section.notes if "kinds" not in note] == ["stress_picture"]
    assert "robustness.noise_0_1.accuracy_drop" in measured(section)


def evidence_of(section):
    return Evidence(
        bundle=digest_of(b"bundle"),
        kind="evaluation",
        measured_at="2026-01-01T00:00:00Z",
        code="1",
        measures=section.measures,
        findings=section.findings,
        details=json.loads(msgspec.json.encode({"robustness": section.details})),
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_chapter_is_drawn_from_the_stored_details_alone(linear, lang):
    _, _, section = linear
    chapter = stress(evidence_of(section), phrases(lang))
    page = str(written(chapter))
    assert {"stress-noise", "stress-range", "stress-flips"} <= {drawn.plot.name for drawn in chapter.drawn}
    assert all(drawn.plot.alt for drawn in chapter.drawn)
    assert "auc.lower &gt;= 0.8" in page
    assert "{" not in page.replace("{stroke", "")
    assert len(page) < 200_000


def test_evidence_without_stresses_has_no_chapter():
    empty = Evidence(bundle=digest_of(b"b"), kind="evaluation", measured_at="2026-01-01T00:00:00Z", code="1")
    assert stress(empty, phrases("en")) is None


def test_curves_that_hide_one_another_are_one_with_the_names_of_all():
    same = [{"strength": 0.5, "refused": 0.0, "broken": 0.0, "drops": {"accuracy": DROP}}]
    other = [{"strength": 0.5, "refused": 0.0, "broken": 0.0, "drops": {"accuracy": {**DROP, "value": 0.2}}}]
    families = [("unseen", same), ("misspelt", other), ("case", same), ("encoding", same)]
    details = {
        "metrics": ["accuracy"],
        "rows": 100,
        "clean": {"accuracy": 0.9},
        "families": [{"name": name, "form": "share", "columns": 1, "points": points} for name, points in families],
        "flips": {"steps": []},
        "limits": [],
        "singles": {"table": []},
    }
    section = Section(details=details)
    (drawn,) = stress(evidence_of(section), phrases("en")).drawn
    assert [label for _, label in drawn.legend] == ["never seen, letter case, encoding", "misspelt"]
    (drawn,) = stress(evidence_of(section), phrases("zh")).drawn
    assert drawn.legend[0][1] == "从未出现、大小写、编码"


def test_numbers_of_a_part_of_the_rows_say_which_part():
    columns = normal_columns(2)

    def predict(table):
        if (np.abs(table["x0"]) > 50.0).any():
            message = "too far"
            raise InvalidRowError(message, field="$[0].x0")
        return (table["x0"] + table["x1"])[:, None]

    truth = columns["x0"] + columns["x1"]
    section = robustness(subject_of(columns, truth, predict, task="regression", rules=("rmse <= 0.3",)))
    (row,) = [
        one for one in section.details["singles"]["table"] if one["stress"] == "x1000" and one["columns"] == ["x0"]
    ]
    page = written(stress(evidence_of(section), phrases("en")))
    assert f"on the {1 - row['refused']:.0%} that a server would answer" in page

    assert {found["answered"] for limit in section.details["limits"] for found in limit["breaks"]} == {1.0}
    row["refused"] = 0.003
    page = written(stress(evidence_of(section), phrases("en")))
    assert "on the 99.7% that a server would answer" in page
    assert ">0.3%<" in page
    limit = section.details["limits"][0]
    limit["breaks"][0]["answered"] = 0.28
    assert "on the 28% of the rows that a server would answer" in written(stress(evidence_of(section), phrases("en")))


DROP = {"value": 0.1, "lower": 0.05, "upper": 0.15}


def test_a_model_that_breaks_while_it_is_stressed_is_told_and_the_parts_after_it_are_still_made():
    asked = []

    def breaks(columns):
        asked.append(len(columns["x0"]))
        if len(asked) == 2:
            message = "the isolated model did not answer within 3 s"
            raise UnavailableError(message)
        if len(asked) == 3:
            message = "it is started again"
            raise UnavailableError(message)
        return two(1 / (1 + np.exp(-columns["x0"])))

    columns = normal_columns(1)
    subject = subject_of(columns, columns["x0"] > 0, breaks)
    empty = Evidence(bundle=digest_of(b"b"), kind="evaluation", measured_at="2026-01-01T00:00:00Z", code="1")
    after = Section(details={"answered": True})
    evidence = with_sections(empty, subject, {"robustness": robustness, "after": lambda _: after})
    [finding] = evidence.findings
    assert (finding.kind, finding.severity, finding.code) == ("robustness", "stop", "no_answer")
    assert "(robustness)" in finding.text
    assert "did not answer within 3 s" in finding.text
    assert evidence.details["after"] == {"answered": True}
    assert asked[-2:] == [1, 1], "the next part waits until the model answers again"
    assert "did not answer" in sentence(finding, phrases("zh"))
