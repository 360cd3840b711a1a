"""What is decided before a file that runs code goes into a process of its own."""

import json

import numpy as np
import pandas as pd
import pytest

from golive.adapters.runtimes.isolated.environments import resolved
from golive.adapters.runtimes.isolated.program import WrongAnswerError, answers, looked_at
from golive.control.bringing.bring import bring
from golive.control.bringing.isolate_file import Afar, bring_isolated
from golive.control.bringing.requirements import read_requirements
from golive.control.bringing.sample import read_sample
from golive.control.bringing.trusted import sent
from golive.control.packing.isolate import Look, signature_of
from golive.control.rooms import open_rooms
from golive.domain.signature import Field
from golive.errors import DataError, NotConvertibleError, UsageError
from golive.packaging.lock import required_by
from golive.ports import CodeFile
from golive.settings import Settings

FIELDS = (Field(name="a", dtype="float64"),)


@pytest.fixture
def rooms(tmp_path):
    return open_rooms(settings=Settings(home=tmp_path / "home", user="tester"))


def written(tmp_path, text):
    path = tmp_path / "requirements.txt"
    path.write_text(text, "utf-8")
    return path


def test_requirements_are_names_with_versions(tmp_path):
    path = written(
        tmp_path, "# made by pip\nscikit-learn==1.5.2\n\nnumpy>=1.26,<2  # old\npandas[parquet]~=2.2\njoblib\n"
    )
    assert read_requirements(path) == ("scikit-learn==1.5.2", "numpy>=1.26,<2", "pandas[parquet]~=2.2", "joblib")


@pytest.mark.parametrize(
    "line",
    ["--index-url http://127.0.0.1", "-e .", "model @ file:///tmp/model", "git+https://host/x", "a; rm -r b", "-r x"],
)
def test_a_line_that_is_more_is_refused(tmp_path, line):
    with pytest.raises(DataError, match="names with versions are taken only"):
        read_requirements(written(tmp_path, f"numpy==2.4.6\n{line}\n"))


def test_a_list_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="pip freeze"):
        read_requirements(tmp_path / "none.txt")


def test_versions_that_are_installed_here_need_no_index():
    found = dict(each.split("==") for each in resolved((f"numpy=={np.__version__}", "pandas")))
    assert found["numpy"] == np.__version__
    assert {"pandas", "python-dateutil"} <= set(found)
    assert required_by(["a-package-that-nobody-has"]) == ()


@pytest.mark.parametrize(
    ("classes", "methods", "told"),
    [
        (None, (), "has no predict"),
        ((), ("predict", "predict_proba"), "predicts several targets"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(classes, methods, told):
    with pytest.raises(NotConvertibleError, match=f"Thing {told}"):
        signature_of(Look("some.Thing", methods, classes, ""), FIELDS, "y")


class Thing:
    classes_ = np.array([3, 5])

    def predict(self, table):
        return table

    def predict_proba(self, table):
        return table


def test_what_an_object_says_of_itself_is_its_signature():
    told = looked_at(Thing())
    json.dumps(told)
    assert (told["classes"], told["dtype"], told["methods"]) == (["3", "5"], "i", ["predict", "predict_proba"])
    method, signature = signature_of(Look("x.Thing", ("predict", "predict_proba"), ("3", "5"), "i"), FIELDS, "y")
    assert (method, signature.classes, signature.class_dtype) == ("predict_proba", ("3", "5"), "int64")
    assert looked_at(object())["classes"] is None
    without = Look("x.Thing", ("predict",), ("3", "5"), "i")
    assert signature_of(without, FIELDS, "y")[0] == "chosen"


def test_what_it_chooses_is_one_and_all_else_zero():
    class Chooses:
        def __init__(self, *classes):
            self.classes_ = np.array(classes)

        def predict(self, table):
            return np.array(["yes" if row else "no" for row in table])

    assert answers(Chooses("no", "yes"), "chosen", 2, [1, 0]).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    with pytest.raises(WrongAnswerError, match="labels that are not among classes_"):
        answers(Chooses("no", "never"), "chosen", 2, [1, 0])


def test_missing_texts_cross_to_the_sandbox_however_they_are_written():
    frame = pd.DataFrame({"town": pd.Series(["ulm", None, float("nan")], dtype=object), "x": [1.0, float("nan"), 2.0]})
    assert sent(frame) == sent(frame.assign(town=pd.Series(["ulm", None, None], dtype=object)))
    assert sent(np.zeros((2, 3)))


def test_an_object_afar_is_asked_by_its_own_methods():
    class Held:
        def ask(self, method, table):
            return [method, table]

    assert Afar(Held()).predict(1) == ["predict", 1]
    assert Afar(Held()).predict_proba(2) == ["predict_proba", 2]
    assert Afar(Held()).chosen(3) == ["chosen", 3]


def test_only_pickles_go_into_a_process_of_their_own(tmp_path, rooms):
    file = CodeFile(path=tmp_path / "model.skops", handler="some:handler", loads=())
    rows = read_sample(pd.DataFrame({"a": [1.0], "y": [2.0]}), "y")
    with pytest.raises(UsageError, match=r"is no pickle.*import it without --isolated"):
        bring_isolated(file, rows, rooms, name="m")


def test_requirements_are_for_isolated_models_only(tmp_path, rooms):
    with pytest.raises(UsageError, match="say --isolated too"):
        bring(tmp_path / "m.joblib", rooms, name="m", requirements=tmp_path / "requirements.txt")
