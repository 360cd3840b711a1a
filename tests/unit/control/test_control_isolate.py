"""A fitted object that has no exact graph is packaged as it is, with its code, and proved bit for bit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.impute import KNNImputer
from sklearn.linear_model import Ridge
from sklearn.multiclass import OneVsOneClassifier
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import LinearSVC

from golive.control.notebook.handles import BundleHandle
from golive.control.packing.isolate import decided, isolated, package_isolated
from golive.control.rooms import open_rooms
from golive.errors import InvalidRowError, NotConvertibleError, ParityError
from golive.packaging.labels_only import NOTE
from golive.settings import Settings


@pytest.fixture
def rooms(tmp_path):
    return open_rooms(settings=Settings(home=tmp_path, user="tester"))


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    count = 120
    rows = pd.DataFrame(
        {
            "area": np.where(rng.random(count) < 0.1, np.nan, rng.normal(size=count)),
            "rooms": rng.integers(1, 6, count),
            "town": rng.choice(["ulm", "bonn", None], count),
        }
    )
    return rows, pd.Series(rng.choice(["low", "high"], count), name="price")


def pipeline():
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["town"]), (KNNImputer(), ["area", "rooms"])
    )
    return make_pipeline(columns, KNeighborsClassifier(algorithm="brute"))


@pytest.mark.heavy
def test_a_pipeline_without_a_graph_answers_from_its_own_process_bit_for_bit(table, rooms):
    rows, answers = table
    model = pipeline().fit(rows, answers)
    bundle = package_isolated(model, sample=rows, answers=answers, name="homes", rooms=rooms)
    handle = BundleHandle(bundle, rooms)
    assert handle.predict_proba(rows).tobytes() == model.predict_proba(rows).tobytes()
    assert handle.predict(rows).tolist() == model.predict(rows).tolist()
    unseen = pd.DataFrame({"area": [0.5], "rooms": [2], "town": ["a town that is new"]})
    assert handle.predict_proba(unseen).tolist() == model.predict_proba(unseen).tolist()
    with pytest.raises(InvalidRowError, match="field 'rooms' is missing"):
        handle.predict({"area": [0.5], "rooms": [None], "town": ["ulm"]})
    handle.road.session.close()

    manifest = bundle.manifest
    assert (manifest.runtime, manifest.graph) == ("isolated", "model.golive.zip")
    assert manifest.lineage.parameters == {"holds": "code"}
    assert manifest.lineage.environment["scikit-learn"]
    [proof] = rooms.bundles.evidence(bundle.digest)
    measure = proof.find("parity.difference")
    assert (measure.value, measure.note) == (0.0, "the same bits")
    assert proof.details["boundary_rows"] > 10


@pytest.mark.heavy
def test_a_model_that_reads_what_stands_in_a_text_is_refused(table, rooms):
    rows, _ = table
    texts = rows[["town"]].fillna("none")
    reads = make_pipeline(make_column_transformer((HashingVectorizer(n_features=64), "town")), Ridge())
    reads.fit(texts, rows["rooms"])
    with pytest.raises(ParityError, match="'town' is a text that training did not have, and the model reads what"):
        package_isolated(reads, sample=texts, answers=rows["rooms"], name="reads", rooms=rooms)


class ByPath:
    """A model in a file that belongs to no package."""

    def predict(self, table):
        return np.zeros(len(table))


ByPath.__module__ = "a_file_of_mine"


def test_a_class_in_a_file_of_no_package_is_refused():
    with pytest.raises(NotConvertibleError, match="'a_file_of_mine', which belongs to no installed package"):
        isolated(ByPath(), np.zeros((3, 2)), target="y")


def test_a_part_that_cannot_be_written_or_loaded_elsewhere_is_refused(table):
    rows, answers = table
    model = KNeighborsClassifier(metric=lambda left, right: abs(left - right).sum()).fit(rows[["rooms"]], answers)
    with pytest.raises(NotConvertibleError, match="cannot be written to a file"):
        isolated(model, rows[["rooms"]], target="price")


def test_a_classifier_without_probabilities_answers_with_its_choice(rooms):
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    names = kinds.map({0: "setosa", 1: "versicolor", 2: "virginica"}).rename("kind")
    model = OneVsOneClassifier(LinearSVC(random_state=0)).fit(rows, names)
    converted = isolated(model, rows, target="kind")
    assert converted.notes[1] == NOTE
    bundle = package_isolated(model, sample=rows, answers=names, name="chosen", rooms=rooms)
    handle = BundleHandle(bundle, rooms)
    assert handle.predict(rows).tolist() == model.predict(rows).tolist()
    assert (handle.predict_proba(rows).max(axis=1) == 1.0).all()
    handle.road.session.close()
    [proof] = rooms.bundles.evidence(bundle.digest)
    assert (proof.find("parity.difference").value, proof.details["tolerance"]) == (0.0, 0.0)


@pytest.mark.heavy
def test_where_choices_and_probabilities_disagree_the_choices_are_answered(rooms):
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    model = NearestCentroid().fit(rows, kinds)
    bundle = package_isolated(model, sample=rows, answers=kinds, name="centroids", rooms=rooms)
    handle = BundleHandle(bundle, rooms)
    assert handle.predict(rows).tolist() == model.predict(rows).tolist()
    handle.road.session.close()


@pytest.mark.heavy
def test_last_bits_that_depend_on_where_rows_lie_are_told(rooms):
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    model = LabelPropagation().fit(rows, kinds)
    bundle = package_isolated(model, sample=rows, answers=kinds, name="spread", rooms=rooms)
    BundleHandle(bundle, rooms).road.session.close()
    [proof] = rooms.bundles.evidence(bundle.digest)
    assert proof.find("parity.difference").value <= proof.details["tolerance"] <= 1e-12
    assert proof.find("parity.flipped").value == 0


class Says:
    """A classifier of two rows."""

    def __init__(self, labels, first):
        self.labels, self.first = labels, np.array(first)

    def predict(self, table):
        return np.array(self.labels)

    def predict_proba(self, table):
        return np.column_stack([self.first, 1 - self.first])


def test_how_an_object_is_asked_is_decided_by_what_it_chooses():
    table = np.zeros((2, 1))
    assert decided(Says([3, 5], [0.9, 0.1]), table, "predict_proba", ("3", "5")) == ("predict_proba", ())
    method, [note] = decided(Says([5, 5], [0.9, 0.1]), table, "predict_proba", ("3", "5"))
    assert method == "chosen"
    assert note.startswith("predict and predict_proba disagree on 1 of 2 rows of the sample")
    assert decided(object(), table, "predict", ()) == ("predict", ())
    assert decided(object(), table, "chosen", ("3", "5")) == ("chosen", (NOTE,))


def test_a_classifier_of_several_targets_is_refused(table):
    rows, answers = table
    model = KNeighborsClassifier().fit(rows[["rooms"]], np.column_stack([answers, answers]))
    with pytest.raises(NotConvertibleError, match="KNeighborsClassifier predicts several targets"):
        isolated(model, rows[["rooms"]], target="price")


def test_an_object_that_predicts_nothing_is_refused(table):
    with pytest.raises(NotConvertibleError, match=r"^OneHotEncoder has no predict"):
        isolated(OneHotEncoder(), table[0], target="price")
