"""Which rows an optimization sees, and the child bundle that it writes."""

import os
from pathlib import Path

import harmful_optimizers
import msgspec
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import golive
from golive import plugins
from golive.control.optimizing.halves import halves
from golive.control.optimizing.optimize import Plan, optimize, summary
from golive.control.optimizing.optimize_rows import given_rows, optimize_reference, split_rows
from golive.domain.digest import digest_of
from golive.errors import DataError, NotFoundError, RequestError, UsageError
from golive.inference.table import columns_of
from golive.optimization.search import Limits

TRAINING = 250


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network over real rows, as a bundle, with the rows that it has not seen."""
    rows, target = load_breast_cancer(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), MLPClassifier((40, 20), max_iter=400, random_state=0))
    model.fit(rows[:TRAINING], target[:TRAINING])
    home = tmp_path_factory.mktemp("home")
    bundle = golive.package(model, sample=rows[:TRAINING], target=target[:TRAINING], name="cancer", home=str(home))
    return bundle, rows[TRAINING:], target[TRAINING:].to_numpy()


def rows_of(made, **options):
    bundle, rows, target = made
    columns = columns_of(bundle.bundle.signature, {name: rows[name].to_numpy() for name in rows})
    if options:
        return given_rows(bundle.bundle, columns, columns, target, digest_of(b"rows"), **options)
    return split_rows(bundle.bundle, columns, target, digest_of(b"rows"))


def test_no_row_is_both_made_from_and_judged_by():
    first, second = halves(np.arange(101), 0.5)
    assert len(first) + len(second) == 101
    assert not set(first) & set(second)
    assert (halves(np.arange(101), 0.5)[0] == first).all()
    assert len(halves(np.arange(50_000), 0.5)[0]) == 20_000


def test_rows_that_the_signature_refuses_are_left_out(made):
    bundle, rows, target = made
    broken = columns_of(bundle.bundle.signature, {name: rows[name].to_numpy().copy() for name in rows})
    first = next(iter(broken))
    broken[first] = np.where(np.arange(len(rows)) < 19, np.nan, broken[first])
    found = split_rows(bundle.bundle, broken, target, digest_of(b"rows"))
    assert len(found.making[first]) + len(found.judging[first]) == len(rows) - 19
    assert len(found.truth) == len(found.judging[first])


def test_the_best_candidate_becomes_a_child_bundle_with_evidence(made):
    parent, rows, _target = made
    rooms = parent._rooms
    told = []
    found = optimize(
        parent.bundle,
        rows_of(made, trained=True),
        Plan(limits=Limits(max_loss=0.01), metric="auc", only=("precision",)),
        rooms,
        told=told.append,
    )
    assert told[0].candidate.name == "float32"
    child = found.bundle
    assert child is not None
    assert child.manifest.lineage.parent == parent.digest
    assert child.manifest.lineage.model.startswith("Pipeline, float32")
    assert child.signature == parent.bundle.signature
    assert child.size_bytes < parent.bundle.size_bytes
    smaller = golive.load(child.digest, home=str(rooms.home.folder))
    assert (smaller.predict(rows) == parent.predict(rows)).mean() > 0.99
    [evidence] = [one for one in rooms.bundles.evidence(child.digest) if one.kind == "optimization"]
    assert evidence == found.evidence
    assert evidence.find("loss").upper <= 0.01
    assert evidence.find("auc").value == pytest.approx(evidence.find("parent.auc").value, abs=0.01)
    assert evidence.details["parent"] == parent.digest
    with pytest.raises(UsageError, match=f"was itself made by optimizing {parent.digest[7:19]}, and losses would add"):
        golive.optimize(smaller, rows, made[2])
    told_json = msgspec.json.decode(msgspec.json.encode(summary(found)))
    assert told_json["bundle"] == child.digest
    assert sum(row["chosen"] for row in told_json["candidates"]) == 1
    assert Path(told_json["plot"]).read_text("utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda manifest: {"runtime": "isolated"}, "is run by 'isolated', and only graphs that onnxruntime runs"),
        (
            lambda manifest: {"signature": msgspec.structs.replace(manifest.signature, task="tensors")},
            "takes tensors, and only bundles that take rows of a table can be optimized",
        ),
    ],
)
def test_what_is_no_graph_over_a_table_is_refused(made, change, told):
    parent, _, _ = made
    manifest = msgspec.structs.replace(parent.bundle.manifest, **change(parent.bundle.manifest))
    bundle = msgspec.structs.replace(parent.bundle, manifest=manifest)
    with pytest.raises(UsageError, match=told):
        optimize(bundle, rows_of(made), Plan(), parent._rooms, told=lambda _: None)


def test_an_optimizer_that_crashes_costs_nothing_but_its_own_candidates(made, tmp_path, monkeypatch):
    harmful_optimizers.install(tmp_path)
    path = [str(Path(harmful_optimizers.__file__).parent), str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    monkeypatch.syspath_prepend(str(tmp_path))
    parent, _, _ = made
    found = optimize(
        parent.bundle,
        rows_of(made),
        Plan(limits=Limits(max_loss=0.1), metric="auc", only=("harmful-quit", "harmful-segfault", "precision")),
        parent._rooms,
        told=lambda _: None,
    )
    ends = [(one.method, one.outcome, one.reason) for one in found.searched.tried if one.outcome == "failed"]
    assert ends == [
        ("harmful-quit", "failed", "ended its process (exit code 7)"),
        ("harmful-segfault", "failed", "ended its process (SIGSEGV)"),
    ]
    assert found.bundle is not None
    [evidence] = [one for one in parent._rooms.bundles.evidence(found.bundle.digest) if one.details["candidates"]][-1:]
    assert "failed" in {row["outcome"] for row in evidence.details["candidates"]}


def test_where_nothing_is_good_enough_the_bundle_stays(made):
    parent, _, _ = made
    before = parent._rooms.bundles.list()
    found = optimize(
        parent.bundle,
        rows_of(made, trained=False),
        Plan(only=("fewer_trees",)),
        parent._rooms,
        told=lambda _: None,
    )
    assert (found.bundle, found.evidence, found.searched.tried) == (None, None, ())
    assert parent._rooms.bundles.list() == before


def test_what_cannot_be_asked_for_is_refused_before_anything_runs(made):
    parent, rows, target = made
    with pytest.raises(UsageError, match="the greatest loss is 2, but a share from 0 to 1 is needed"):
        golive.optimize(parent, rows, target, max_loss=2)
    with pytest.raises(UsageError, match="the metric 'rmse' is none for a classification"):
        golive.optimize(parent, rows, target, metric="rmse")
    with pytest.raises(NotFoundError, match=r"there is no 'magic' among golive.optimizers"):
        golive.optimize(parent, rows, target, only=["magic"])
    with pytest.raises(DataError, match=r"there are 319 rows, but known answers of the shape \(5,\)"):
        golive.optimize(parent, rows, target[:5])


def test_a_bundle_outside_its_project_needs_rows(made, monkeypatch):
    parent, _, _ = made
    monkeypatch.setenv("GOLIVE_HOME", str(parent._rooms.home.folder))
    with pytest.raises(UsageError, match=r"rows must be given: golive optimize cancer --data FILE"):
        optimize_reference(
            "cancer", data=None, plan=Plan(), say=lambda _: None, on_progress=lambda *_: None, told=lambda _: None
        )


def test_with_rows_to_make_candidates_from_all_others_judge(made, monkeypatch, tmp_path):
    parent, rows, target = made
    monkeypatch.setenv("GOLIVE_HOME", str(parent._rooms.home.folder))
    rows.assign(target=target).to_csv(tmp_path / "valid.csv", index=False)
    rows[:100].to_csv(tmp_path / "training.csv", index=False)

    def judged(**files):
        silent = {"say": lambda _: None, "on_progress": lambda *_: None, "told": lambda _: None}
        valid = tmp_path / "valid.csv"
        return optimize_reference(parent.digest, data=valid, plan=Plan(budget_s=0), **files, **silent).rows

    assert judged() == len(rows) // 2
    assert judged(training=tmp_path / "training.csv") == len(rows)
    (tmp_path / "narrow.csv").write_text("some\n1\n", "utf-8")
    with pytest.raises(RequestError, match="'mean radius' is required but not in the table; found are 'some'"):
        judged(training=tmp_path / "narrow.csv")


def test_a_project_has_training_rows_of_its_own(tmp_path):
    (tmp_path / "golive.yaml").write_text("", "utf-8")
    silent = {"say": lambda _: None, "on_progress": lambda *_: None, "told": lambda _: None}
    with pytest.raises(UsageError, match=r"is a project, whose own training rows .* leave out --training"):
        optimize_reference(str(tmp_path), data=None, training=tmp_path / "rows.csv", plan=Plan(), **silent)


def test_without_time_nothing_is_tried_and_the_same_bundle_comes_back(made):
    parent, rows, target = made
    same = golive.optimize(parent, rows, target, budget_s=0)
    assert same.digest == parent.digest
    assert "nothing smaller or faster is good enough" in repr(same)
    assert set(same.found.searched.left_out) == {one.name for one in plugins.load_all("optimizers")}
    assert same._repr_html_().startswith("<svg")
