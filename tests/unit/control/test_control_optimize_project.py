"""A project whose golive.yaml asks for it is optimized between packaging and evaluation, on rows of its own."""

import numpy as np
import pytest

from golive.control.optimizing.optimize_project import project_rows
from golive.control.packing.package import package
from golive.control.project.read import project_of, read_project
from golive.control.rooms import open_rooms
from golive.control.status import status
from golive.control.steps import Rows, evaluate_reference
from golive.control.train import train
from golive.control.up import build
from golive.domain.release import Share
from golive.errors import ProjectError

PROJECT = """\
name: tumor
data: {package: "sklearn:breast_cancer"}
target: target
task: classification
split: {method: stratified, test: 0.5}
candidates:
  - model: mlp
    parameters: {hidden_layer_sizes: [40, 20], max_iter: 400}
    grid: {alpha: [0.001]}
search: {metric: auc}
gate: {rules: ["auc >= 0.9"]}
"""
ASKED = "optimize: {max_loss: 0.05, prefer: size, only: [precision]}\n"


class Told:
    """Collects what stages say."""

    def __init__(self):
        self.stages = {}

    def __call__(self, stage):
        self.stages[stage.name] = stage


def built(folder, text):
    (folder / "golive.yaml").write_text(text, "utf-8")
    told, moved = Told(), []
    judged = build(folder, open_rooms(folder), say=told, on_progress=lambda *words: moved.append(words[-1]))
    return judged, told.stages, moved


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("tumor")


@pytest.fixture(scope="module")
def first(home):
    return built(home, PROJECT + ASKED)


def test_the_child_is_what_is_evaluated_and_judged(home, first):
    judged, stages, moved = first
    parent = judged.bundle.manifest.lineage.parent
    assert parent is not None
    assert "float32" in judged.bundle.manifest.lineage.model
    assert judged.evidence.bundle == judged.bundle.digest
    assert judged.verdict.outcome == "pass"
    assert list(stages) == ["train", "package", "optimize", "evaluate", "gate"]
    assert f"made from {parent[7:19]}; 3 candidates tried" in stages["optimize"].text
    assert "float32" in moved
    attached = open_rooms(home).bundles.evidence(judged.bundle.digest)
    [optimization] = [one for one in attached if one.kind == "optimization"]
    assert optimization.details["parent"] == parent
    assert optimization.rows_from == "test"
    assert open_rooms(home).bundles.attached(judged.bundle.digest, "data-report")


def test_what_chose_is_not_what_measures(home, first):
    judged, _, _ = first
    project, rooms = read_project(home), open_rooms(home)
    trained = train(project, home, rooms, say=lambda _: None, on_progress=lambda *_: None)
    divided = project_rows(package(project, trained, rooms, say=lambda _: None), trained)
    count = len(trained.fitted().test_raw)
    assert len(divided.measuring) + len(divided.rows.truth) == count
    assert judged.evidence.rows == len(divided.measuring)
    assert len(np.unique(divided.measuring)) == len(divided.measuring)


def test_an_unchanged_project_is_not_searched_again(home, first):
    judged, stages, _ = built(home, PROJECT + ASKED)
    assert judged.bundle == first[0].bundle
    assert stages["optimize"].text == first[1]["optimize"].text
    assert all(stage.reused for name, stage in stages.items() if name != "gate")
    evidence, _ = evaluate_reference(
        str(home), rows=Rows(), against="", lang="en", say=Told(), on_progress=lambda *_: None
    )
    assert (evidence.bundle, evidence.rows) == (judged.bundle.digest, judged.evidence.rows)


def test_where_nothing_is_good_enough_the_model_itself_goes_on(home, first):
    judged, stages, _ = built(home, PROJECT + "optimize: {only: [fewer_trees]}\n")
    assert judged.bundle.digest == first[0].bundle.manifest.lineage.parent
    assert judged.evidence.rows == first[0].evidence.rows
    assert stages["optimize"].text == "nothing smaller or faster is good enough, 0 candidates tried"


def test_without_the_section_there_is_no_search(home, first):
    judged, stages, _ = built(home, PROJECT)
    assert "optimize" not in stages
    assert judged.bundle.digest == first[0].bundle.manifest.lineage.parent
    assert judged.evidence.rows > first[0].evidence.rows


def test_a_heading_alone_asks_for_the_search_with_its_defaults(home):
    project = project_of((PROJECT + "optimize:\n").encode(), folder=home)
    assert project.optimize is not None
    assert (project.optimize.max_loss, project.optimize.prefer, project.optimize.budget_s) == (0.005, "latency", 60.0)
    assert project_of(PROJECT.encode(), folder=home).optimize is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("optimize: {max_loss: 1.5}", "at optimize.max_loss: found '1.5', expected a number"),
        ("optimize: {prefer: speed}", "at optimize.prefer: found 'speed', expected one of latency, size, throughput"),
        ("optimize: {only: [precison]}", "there is no optimizer 'precison'; did you mean 'precision'?"),
        ("optimize: {maxloss: 0.1}", "at optimize.maxloss: unknown key, did you mean 'max_loss'?"),
        ("optimize: true", "at optimize: found 'true', expected a mapping with the keys max_loss"),
    ],
)
def test_mistakes_of_the_section_are_told_with_their_place(home, text, told):
    with pytest.raises(ProjectError) as caught:
        project_of((PROJECT + text).encode(), folder=home)
    assert told in caught.value.message


def test_status_says_what_a_bundle_was_optimized_from(home, first):
    judged, rooms = first[0], open_rooms(home)
    made = rooms.ledger.add_release("tumor", judged.bundle.digest, judged.verdict, at=rooms.now(), by="me")
    split = (Share(made.version, 1.0),)
    rooms.ledger.add_deployment("tumor", "local", split, strategy="direct", reason="", at=rooms.now(), by="me")
    [line] = status(rooms).lines
    assert (line.bundle, line.parent) == (judged.bundle.digest, judged.bundle.manifest.lineage.parent)
