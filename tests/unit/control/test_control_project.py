"""golive.yaml in, a project or every mistake with its line out."""

from pathlib import Path

import numpy as np
import pytest

from golive.control.project.read import project_of, read_project
from golive.domain.digest import Digest
from golive.domain.metric import SEARCHED, better, is_measured, measure_names
from golive.errors import NotFoundError, ProjectError
from golive.evaluation.run import baseline_predictions, evaluate, measure_latency
from golive.training.recipe import Candidate

START = """\
name: houses
data:
  file: houses.csv
target: price
task: regression
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "houses.csv").write_text("area,price\n1,2\n")
    return tmp_path


def mistakes(text: str, folder: Path) -> list[str]:
    with pytest.raises(ProjectError) as caught:
        project_of(text.encode(), folder=folder)
    return caught.value.message.splitlines()


def mistake(text: str, folder: Path) -> str:
    (only,) = mistakes(START + text, folder)
    return only


def test_a_project_with_only_the_required_parts_takes_every_default(folder: Path):
    project = project_of(START.encode(), folder=folder)
    assert (project.name, project.target, project.task) == ("houses", "price", "regression")
    assert project.search.trials == 20
    assert project.recipe.target == "price"


def test_a_project_is_read_from_its_folder_and_from_its_file(folder: Path):
    (folder / "golive.yaml").write_text(START)
    assert read_project(folder) == read_project(folder / "golive.yaml")


def test_a_folder_without_a_project_says_how_to_start_one(tmp_path: Path):
    with pytest.raises(NotFoundError, match="golive init"):
        read_project(tmp_path)
    with pytest.raises(NotFoundError, match="golive init"):
        read_project(tmp_path / "nowhere")


def test_messages_name_the_file_as_it_was_given(folder: Path):
    (folder / "golive.yaml").write_text(START + "serach: {}\n")
    with pytest.raises(ProjectError) as caught:
        read_project(folder)
    assert caught.value.message.startswith(f"{folder}/golive.yaml:6: at serach: unknown key")


def test_every_mistake_is_told_at_once_in_the_order_of_lines(folder: Path):
    text = """\
name: My Houses
data: {file: nowhere.csv}
target: price
task: regresion
features:
  numbers: [area, price, area]
search:
  trials: many
  jobz: 2
candidates:
  - model: ridge
    grid: {alpha: [1.0, 2.0]}
  - model: boosting
gate:
  rules: [rmse is small]
serving: {port: 99999}
"""
    found = mistakes(text, folder)
    starts = [line.partition(": ")[2].partition(": ")[0] for line in found]
    assert [line.split(": ")[0] for line in found] == [
        f"golive.yaml:{line}" for line in (1, 2, 4, 6, 6, 8, 9, 13, 15, 16)
    ]
    assert starts == [
        "at name",
        "at data.file",
        "at task",
        "at features.numbers[1]",
        "at features.numbers[2]",
        "at search.trials",
        "at search.jobz",
        "at candidates[1].model",
        "at gate.rules[0]",
        "at serving.port",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("search:\n  trials: many\n", "golive.yaml:7: at search.trials: found 'many', expected an integer of 1 or more"),
        ("search: {trials: 0}\n", "golive.yaml:6: at search.trials: found '0', expected an integer of 1 or more"),
        ("split: {test: 1.0}\n", "at split.test: found '1.0', expected a number between 0 and 1"),
        ("features: {rare: 2}\n", "at features.rare: found '2', expected a number from 0 to 1"),
        ("serach: {}\n", "at serach: unknown key, did you mean 'search'?"),
        ("log-target: true\n", "at log-target: unknown key, did you mean 'log_target'?"),
        ("log_target: yes\n", "at log_target: found 'yes', expected true or false (YAML 1.2 knows no yes"),
        ("version: 2\n", "at version: found '2', expected 1"),
        ("features: {numbers: area}\n", "found 'area', expected a list, each item a text; write [area]"),
        ("features: {numbers: [2011]}\n", 'at features.numbers[0]: found \'2011\', expected a text; put it in quotes: "2011"'),
        ("cleaning: {ranges: {Lot Area: {minimum: low}}}\n", "at cleaning.ranges['Lot Area'].minimum: found 'low', expected a number or null"),
        ("optimization: {tolerance: .nan}\n", "at optimization.tolerance: found nan, expected a finite number"),
        ("features: {scale: standart}\n", "did you mean 'standard'?"),
        ("cleaning: {missing_codes: {area: [~]}}\n", "found nothing, expected a number or a text"),
        ("candidates: [{grid: {alpha: [1]}}]\n", "at candidates[0].model: is missing, expected one of decision_tree"),
        ("candidates: [{model: random_forest, parameters: {bootstrap: no}}]\n", "at candidates[0].parameters.bootstrap: found no, which some read as a bool"),
        ("search: [1]\n", "at search: found a list, expected a mapping with the keys method"),
        ("target: area\n", "golive.yaml:6: at target: is written twice, first on line 4"),
        ("gate: {rules: [rmse is small]}\n", "the gate rule 'rmse is small' cannot be read"),
        ("features: {numbers: [area], units: {aera: m2, price: EUR}}\n", "at features.units.aera: 'aera' is neither used nor"),
        ("gate: {rules: [baseline.size_mb <= 3]}\n", "found 'baseline.size_mb', which evaluation of a regression does not"),
        ("gate: {rules: [champion.rmze <= 3]}\n", "did you mean 'champion.rmse'?"),
        (
            "gate: {rules: [fairness.areal.rmse_ratio >= 0.5]}\nevaluation: {sensitive: [area]}\n",
            "at gate.rules[0]: found 'fairness.areal.rmse_ratio', which is never measured; did you mean 'fairness.area.rmse_ratio'?",
        ),
        ("gate: {rules: [auc >= 0.5]}\n", "found 'auc', which evaluation of a regression does not measure"),
        ("gate: {rules: [size_mb.upper <= 3]}\n", "size_mb has no interval; compare its value, without .upper"),
        ("gate: {rules: [(rmse - champion.mae).lower <= 3]}\n", "rmse - champion.mae has no interval; compare"),
        ("gate: {rules: [baseline.r2.lower <= 0]}\n", "baseline.r2 has no interval; compare its value, without .lower"),
        (
            "gate: {rules: [(max_error - champion.max_error).upper <= 3]}\n",
            "max_error - champion.max_error has no interval; compare its value, without .upper, or "
            "(rmse - champion.rmse).upper",
        ),
        ("gate: {rules: [rmze <= 3]}\n", "at gate.rules[0]: found 'rmze', which evaluation of a regression does not measure; did you mean 'rmse'?"),
    ],
)  # fmt: skip
def test_a_mistake_of_shape_says_place_found_and_expected(text: str, said: str, folder: Path):
    assert said in mistake(text, folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("candidates:\n  - model: logistic\n", "golive.yaml:7: at candidates[0].model: logistic cannot do a regression"),
        ("features: {numbers: [price]}\n", "'price' is the target"),
        ("features:\n  numbers: [area]\n  categories:\n    - area\n", "golive.yaml:9: at features.categories[0]: column 'area' is listed in features.numbers too"),
        ("features: {numbers: [area], target_encode: [town]}\n", "'town' is not in features.categories"),
        ("split: {method: time}\n", "at split: a time split needs split.column"),
        ("validation: {method: group}\n", "group folds need the groups of the split"),
        ("split: {method: stratified}\n", "only a classification has classes to stratify by"),
        ("search: {metric: auc}\n", "found 'auc', expected one of rmse, mae, r2 for a regression"),
        ("cleaning: {ranges: {area: {minimum: 5, maximum: 2}}}\n", "minimum 5 is above maximum 2"),
        ("cleaning: {ranges: {area: {}}}\n", "has neither a minimum nor a maximum"),
        ("features: {numbers: [area]}\ncleaning: {missing_codes: {aera: [-999]}}\n", "'aera' is not a used column of features; did you mean 'area'?"),
        ("features: {categories: [town], construct: [{into: x, operation: log1p, columns: [town]}]}\n", "'town' is in features.categories, expected a number column"),
        ("features: {numbers: [area], construct: [{into: x, operation: ratio, columns: [area]}]}\n", "column 'x' is the ratio of 1 columns, but 2 are needed"),
        ("features: {numbers: [area], construct: [{into: area, operation: log1p, columns: [area]}]}\n", "'area' is taken"),
        ("features: {construct: [{into: x, operation: log1p, columns: [price]}]}\n", "'price' is the target"),
        ("candidates: [{model: ridge, parameters: {alpha: 1}, grid: {alpha: [1, 2]}}]\n", "'alpha' is fixed under parameters and searched under grid"),
        ("serving: {port: 8082}\n", "which serving.port has too"),
        ("release: {target: moon}\n", "there is no target 'moon'"),
    ],
)  # fmt: skip
def test_parts_that_contradict_one_another_are_told_with_their_line(text: str, said: str, folder: Path):
    assert said in mistake(text, folder)


def test_a_classification_has_no_log_target_and_no_linear_candidate(folder: Path):
    text = START.replace("regression", "classification") + "log_target: true\ncandidates: [{model: linear}]\n"
    assert [line.split(": ")[1] for line in mistakes(text, folder)] == ["at log_target", "at candidates[0].model"]


def test_data_needs_exactly_one_place(folder: Path):
    both = START.replace("  file: houses.csv", "  file: houses.csv\n  package: sklearn:iris")
    assert "found both of file and package" in mistakes(both, folder)[0]
    neither = START.replace("  file: houses.csv", "  options: {}")
    assert "found neither of file and package" in mistakes(neither, folder)[0]


def test_required_parts_that_are_missing_are_all_named(folder: Path):
    found = mistakes("search: {trials: 3}\n", folder)
    assert [line.split(": ")[1] for line in found] == ["at name", "at data", "at target", "at task"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("- a\n- b\n", "golive.yaml:1: found a list, expected a mapping"),
        ("name: [a\ntask: b\n", "this is not YAML"),
        ("name: a\n\ttask: b\n", "golive.yaml:2: this is not YAML"),
        ("name: &a x\ntarget: *a\n", "golive.yaml:2: the alias *a is not allowed"),
        ("name: !!python/name:os.system x\n", "golive.yaml:1: the tag"),
        ("name: a\n---\nname: b\n", "this is not YAML"),
        ("a: " + "[" * 100 + "]" * 100, "nested more than 30 deep"),
    ],
)
def test_text_that_is_not_a_plain_tree_is_refused(text: str, said: str, folder: Path):
    (only,) = mistakes(text, folder)
    assert said in only


def test_a_byte_that_is_not_utf_8_is_named_with_its_line(folder: Path):
    with pytest.raises(ProjectError, match=r"golive\.yaml:2: the byte 0xe9 is not UTF-8"):
        project_of(b"name: a\ntarget: caf\xe9\n", folder=folder)


def test_words_that_older_yaml_reads_as_bools_and_dates_stay_texts(folder: Path):
    text = START + "features: {categories: [no, on, 2011-07-25]}\noptimization: {tolerance: 1e-6}\n"
    project = project_of(text.encode(), folder=folder)
    assert project.features.categories == ("no", "on", "2011-07-25")
    assert project.optimization.tolerance == 1e-6


def test_a_heading_without_lines_keeps_its_defaults(folder: Path):
    assert project_of((START + "search:\n#  trials: 3\ngate:\n").encode(), folder=folder).search.trials == 20


def test_grids_hold_numbers_texts_bools_and_null(folder: Path):
    text = START + "candidates: [{model: random_forest, grid: {max_depth: [3, null], max_features: [sqrt, 0.5]}}]\n"
    (candidate,) = project_of(text.encode(), folder=folder).candidates
    assert candidate == Candidate(model="random_forest", grid={"max_depth": (3, None), "max_features": ("sqrt", 0.5)})


@pytest.mark.parametrize(("task", "classes"), [("regression", ()), ("classification", ("no", "yes"))])
def test_a_gate_may_name_exactly_what_evaluation_measures(task, classes):
    """The names stand in the domain, so that a project is read without the libraries of evaluation."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400) if classes else rng.normal(size=400)
    share = rng.uniform(0.05, 0.95, 400)
    answers = np.column_stack([1 - share, share]) if classes else (truth + rng.normal(size=400)).reshape(-1, 1)
    evidence = evaluate(
        bundle=Digest("sha256:" + "0" * 64),
        task=task,
        classes=classes,
        truth=truth,
        predicted=answers,
        baseline=baseline_predictions(task, truth, classes, 400),
        champion=answers[::-1],
        champion_digest=Digest("sha256:" + "1" * 64),
        data_digest=None,
        measured_at="2026-01-01T00:00:00+00:00",
        code="test",
        size_bytes=1,
        threshold=0.5,
        extra_measures=measure_latency(lambda: None, 3),
    )
    measured = {measure.name: measure for measure in evidence.measures if " - " not in measure.name}
    by_class = {name for name in measured if name.startswith("class.")}
    assert set(measured) - by_class == set(measure_names(task))
    assert all(is_measured(name, task) for name in measured)
    assert all(measured[name].better == better(name) for name in SEARCHED[task])


def test_the_column_of_a_split_by_time_is_the_time_of_evaluation_where_none_is_named(folder: Path):
    def time(more: str) -> str:
        return project_of((START + more).encode(), folder=folder).declared.time

    assert time("split: {method: time, column: sold}\n") == "sold"
    assert time("split: {method: time, column: sold}\nevaluation: {time: listed}\n") == "listed"
    assert time("split: {method: group, column: sold}\n") == ""
