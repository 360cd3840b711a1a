"""``golive import``: files from elsewhere become bundles with a proof, or are refused with what to do."""

import json
import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner

import golive
from golive.cli.app import build_app
from golive.control.bringing.bring import bring, format_for
from golive.control.rooms import open_rooms
from golive.errors import DataError, NotConvertibleError, NotFoundError, UsageError
from golive.settings import Settings

LOGREG = Path(onnxruntime.__file__).parent / "datasets" / "logreg_iris.onnx"
IRIS = load_iris(as_frame=True)
ROWS = IRIS.data.set_axis(["sl", "sw", "pl", "pw"], axis=1)
NAMED = ROWS.assign(species=np.array(["setosa", "versicolor", "virginica"])[IRIS.target])


@pytest.fixture
def rooms(tmp_path):
    return open_rooms(settings=Settings(home=tmp_path / "home", user="tester"))


@pytest.fixture(scope="module")
def forest():
    return RandomForestClassifier(5, random_state=0).fit(ROWS, NAMED["species"])


@pytest.fixture
def pickled(tmp_path, forest):
    path = tmp_path / "forest.joblib"
    joblib.dump(forest, path)
    return path


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / "iris.csv"
    NAMED.to_csv(path, index=False)
    return path


@pytest.fixture
def graph(tmp_path):
    """Softmax of a product: four floats in, three probabilities out, no names."""
    weights = numpy_helper.from_array(np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["raw"]), helper.make_node("Softmax", ["raw"], ["p"], axis=1)]
    shapes = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]) for name, width in (("x", 4), ("p", 3))
    ]
    made = helper.make_graph(nodes, "g", shapes[:1], shapes[1:], [weights])
    path = tmp_path / "soft.onnx"
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_an_onnx_file_without_a_sample_is_kept_byte_for_byte_as_tensors(rooms, graph):
    brought = bring(graph, rooms, name="soft")
    bundle = brought.bundle
    assert brought.form == bundle.signature.task == "tensors"
    assert rooms.bundles.files(bundle)["model.onnx"] == graph.read_bytes()
    [proof] = rooms.bundles.evidence(bundle.digest)
    assert (proof.kind, proof.measures[0].value) == ("parity", 0.0)
    assert "byte for byte" in proof.measures[0].note
    assert list(bundle.manifest.lineage.data) == ["soft.onnx"]


def test_a_bundle_of_tensors_says_how_it_is_asked(rooms, graph):
    bundle = golive.import_model(graph, name="soft", home=str(rooms.home.folder))
    with pytest.raises(
        UsageError, match=r"soft reads tensors \(x float32 \[-1, 4\]\) and no rows of fields; ask it with \.infer"
    ):
        bundle.predict(ROWS)


def test_an_onnx_file_with_a_sample_becomes_a_table_that_can_be_evaluated(rooms, graph, sample):
    bundle = golive.import_model(graph, name="soft", sample=sample, target="species", home=str(rooms.home.folder))
    assert bundle.bundle.signature.classes == ("setosa", "versicolor", "virginica")
    assert 0 <= golive.evaluate(bundle, NAMED, NAMED["species"])["accuracy"] <= 1
    [proof] = [one for one in rooms.bundles.evidence(bundle.digest) if one.kind == "parity"]
    assert proof.rows > len(NAMED)


def test_a_pickle_is_refused_with_the_names_that_it_would_load(rooms, pickled, sample):
    with pytest.raises(UsageError) as caught:
        bring(pickled, rooms, name="forest", sample=sample, target="species")
    for word in ("sklearn.ensemble._forest.RandomForestClassifier", "written by scikit-learn", "--trust"):
        assert word in caught.value.message


def test_a_trusted_pickle_is_converted_in_a_sandbox_and_answers_as_it_does(rooms, pickled, sample, forest):
    shuffled = NAMED[["species", "pw", "sl", "sw", "pl"]].assign(more=1.0)
    shuffled.to_csv(sample, index=False)
    bundle = golive.import_model(
        pickled, name="forest", sample=sample, target="species", trust=True, home=str(rooms.home.folder)
    )
    assert bundle.bundle.signature.names == ("sl", "sw", "pl", "pw")
    assert np.abs(bundle.predict_proba(ROWS) - forest.predict_proba(ROWS)).max() < 1e-12
    lineage = bundle.bundle.manifest.lineage
    assert lineage.model == "sklearn.ensemble._forest.RandomForestClassifier"
    assert lineage.environment["scikit-learn of the file"] == lineage.environment["scikit-learn"]


def test_a_call_that_stands_behind_many_harmless_names_is_shown_first(rooms, tmp_path):
    harmless = b"".join(b"cnumpy\nname%d\n0" % place for place in range(40))
    path = tmp_path / "long.pkl"
    path.write_bytes(harmless + b"cposix\nsystem\n.")
    with pytest.raises(UsageError, match=r"it would call posix\.system, numpy\.name0, .* and 29 more"):
        bring(path, rooms, name="long", sample=NAMED, target="species")


class Spiteful:
    """Does something when it is loaded."""

    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return eval, (self.code,)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("__import__('os')._exit(3)", r"which ended its process \(exit code 3\)"),
        ("__import__('os').kill(__import__('os').getpid(), 11)", r"which ended its process \(SIGSEGV\)"),
        ("bytearray(1 << 40)", "MemoryError"),
        ("__import__('socket').create_connection(('127.0.0.1', 9))", "PermissionError|network"),
        ("__import__('subprocess').run(['true'])", "PermissionError|network"),
        ("open('big', 'wb').write(bytes(1 << 22))", "File too large"),
        ("__import__('a_module_that_is_not_there')", "needs the module 'a_module_that_is_not_there', which is not"),
        ("__import__('os').environ['PATH']", "KeyError"),
    ],
)
def test_what_a_trusted_file_does_stays_in_its_sandbox(rooms, tmp_path, sample, code, sentence):
    path = tmp_path / "spiteful.pkl"
    path.write_bytes(pickle.dumps(Spiteful(code)))
    with pytest.raises(DataError, match=sentence):
        bring(path, rooms, name="spiteful", sample=sample, target="species", trust=True)


def test_a_trusted_file_that_holds_no_model_says_what_it_holds(rooms, tmp_path, sample):
    path = tmp_path / "list.pkl"
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(NotConvertibleError, match=r"no framework plug-in knows a builtins.list"):
        bring(path, rooms, name="list", sample=sample, target="species", trust=True)


def test_columns_that_the_model_was_fitted_on_and_the_sample_lacks_are_named(rooms, pickled):
    with pytest.raises(DataError, match="fitted on columns that the sample lacks: pl"):
        bring(pickled, rooms, name="forest", sample=NAMED.drop(columns="pl"), target="species", trust=True)


def test_answers_that_are_not_the_model_s_classes_are_refused(rooms):
    with pytest.raises(
        DataError, match="the model's classes are 0, 1, 2, but 'species' of the sample holds values such as"
    ):
        bring(LOGREG, rooms, name="logreg", sample=NAMED[["sl", "sw", "species"]], target="species")


def test_a_regression_s_true_answers_must_be_numbers(rooms, tmp_path, graph):
    model = onnx.load(graph)
    model.graph.node[1].CopyFrom(helper.make_node("ReduceSum", ["raw"], ["p"], keepdims=1, noop_with_empty_axes=0))
    model.graph.node[1].input.append("axis")
    model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "axis"))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 1
    onnx.save(model, tmp_path / "sum.onnx")
    with pytest.raises(DataError, match="the model answers with numbers, but 'species' of the sample holds texts"):
        bring(tmp_path / "sum.onnx", rooms, name="sum", sample=NAMED, target="species")


def test_a_graph_that_does_not_read_the_sample_is_refused_by_the_name_of_its_file(rooms):
    with pytest.raises(NotConvertibleError, match=rf"^{re.escape(str(LOGREG))}: the input .* reads \[2\] a row"):
        bring(LOGREG, rooms, name="logreg", sample=NAMED, target="species")


def mlflow_folder(folder: Path, flavors: dict, **files: bytes) -> Path:
    folder.mkdir()
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}), "utf-8")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return folder


def test_an_mlflow_folder_hands_its_model_to_the_format_that_knows_it(rooms, tmp_path, graph):
    flavors = {"python_function": {}, "onnx": {"data": "model.onnx"}}
    folder = mlflow_folder(tmp_path / "logged", flavors, model_onnx=graph.read_bytes())
    assert bring(folder, rooms, name="soft").form == "tensors"
    rows, answers = load_diabetes(return_X_y=True, as_frame=True)
    content = pickle.dumps(LinearRegression().fit(rows, answers))
    sklearn = {"sklearn": {"pickled_model": "model.pkl", "sklearn_version": "1.0"}}
    folder = mlflow_folder(tmp_path / "pickled", sklearn, model_pkl=content)
    with pytest.raises(UsageError, match=r"LinearRegression.*--trust"):
        bring(folder, rooms, name="line", sample=rows.assign(y=answers), target="y")


@pytest.mark.parametrize(
    ("flavors", "sentence"),
    [
        ({"python_function": {}}, "MLflow model of the flavors python_function; golive reads"),
        ({"onnx": {"data": "../soft.onnx"}}, "names '../soft.onnx', which is no file in that folder"),
        ({"sklearn": {"pickled_model": "/etc/passwd"}}, "names '/etc/passwd', which is no file in that folder"),
        ([1], "cannot be read as the description of an MLflow model"),
    ],
)
def test_an_mlflow_folder_that_golive_cannot_read_is_refused(rooms, tmp_path, flavors, sentence):
    with pytest.raises(DataError, match=sentence):
        bring(mlflow_folder(tmp_path / "logged", flavors), rooms, name="m")


def test_a_file_that_no_format_knows_is_refused_with_those_that_are_installed(tmp_path):
    path = tmp_path / "model.unheard"
    path.write_bytes(b"?")
    with pytest.raises(DataError, match=r"is no model file that golive reads; installed formats: .*joblib.*onnx"):
        format_for(path)
    with pytest.raises(NotFoundError, match="there is no file"):
        format_for(tmp_path / "absent.onnx")


def test_a_sample_without_its_target_is_refused(rooms, graph, sample):
    with pytest.raises(UsageError, match="needs --sample DATA --target COL"):
        bring(graph, rooms, name="soft", sample=sample)
    with pytest.raises(UsageError, match="the target 'kind' is no column of the sample; its columns are sl, sw"):
        bring(graph, rooms, name="soft", sample=sample, target="kind")
    with pytest.raises(DataError, match="no row of the sample has a value of 'empty'"):
        bring(
            graph, rooms, name="soft", sample=NAMED.assign(empty=pd.Series([None] * 150, dtype=object)), target="empty"
        )


def test_the_command_says_that_a_graph_is_kept_as_it_is(tmp_path, graph, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(tmp_path / "home"))
    done = CliRunner().invoke(build_app(), ["import", str(graph), "--name", "soft"])
    assert "tensors; the graph is the file's, byte for byte" in done.stdout


def test_the_command_prints_the_bundle_or_one_sentence(tmp_path, graph, sample, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(tmp_path / "home"))
    app, runner = build_app(), CliRunner()
    done = runner.invoke(
        app, ["import", str(graph), "--name", "soft", "--sample", str(sample), "--target", "species", "--json"]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["form"] == "table"
    assert told["bundle"]["manifest"]["name"] == "soft"
    done = runner.invoke(app, ["import", str(sample), "--name", "soft"])
    assert done.exit_code == 2
    assert "is no model file that golive reads" in done.stderr
