"""Bundles of tensors: packaged from a network, asked in this process, refused where rows are needed."""

import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from tensor_models import mlp, weights
from typer.testing import CliRunner

import golive
from golive.cli.app import build_app
from golive.control.deploy import release
from golive.control.judging.gate import refuse_unless_allowed, verdict_on
from golive.control.packing.tensors import is_of_tensors, package_tensors, tensor_framework_for
from golive.control.rooms import open_rooms
from golive.domain.policy import Policy
from golive.errors import GateRefusedError, NotConvertibleError, ParityError, RequestError, UsageError
from golive.settings import Settings

ROWS = np.random.default_rng(1).normal(size=(9, 6)).astype(np.float32)


class Mlp:
    """What a library of networks does, in numpy."""

    name = "numpy"
    error = 0.0

    def recognizes(self, model):
        return model is self

    def tensors(self, model, example, *, open_axes, outputs):
        assert example["x"].shape == (2, 6)
        assert open_axes == {"x": (0,)}
        return mlp()

    def ask_tensors(self, model, feeds, *, outputs):
        if feeds["x"].shape[1] != 6:
            message = "6 columns are needed"
            raise ValueError(message)
        hidden = np.maximum(feeds["x"] @ weights(6, 8), 0)
        return {"scores": hidden @ weights(8, 3) + np.float32(self.error)}


class Off(Mlp):
    error = 1.0


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return str(tmp_path / "home")


@pytest.fixture
def rooms(home, tmp_path):
    return open_rooms(settings=Settings(home=tmp_path / "home", user="tester"))


@pytest.fixture
def made(rooms):
    return package_tensors(Mlp(), Mlp(), {"x": ROWS}, rooms, name="net")


def run(*words):
    return CliRunner().invoke(build_app(), list(words))


def test_the_bundle_says_what_the_graph_reads_and_gives(made, rooms):
    signature = made.signature
    assert (signature.task, signature.inputs, signature.target) == ("tensors", (), "scores")
    assert [(each.name, each.dtype, each.shape) for each in signature.tensors] == [("x", "float32", (None, 6))]
    assert [(each.name, each.shape) for each in signature.outputs] == [("scores", (None, 3))]
    (proof,) = rooms.bundles.evidence(made.digest)
    assert (proof.kind, proof.rows, proof.details["form"]) == ("parity", 9, "tensors")


def test_it_answers_in_the_notebook(made, home):
    bundle = golive.load(made.digest, home=home)
    answer = bundle.infer({"x": ROWS})
    np.testing.assert_allclose(answer["scores"], Mlp().ask_tensors(None, {"x": ROWS}, outputs=())["scores"], atol=1e-6)
    with pytest.raises(RequestError, match="float64, and the model takes x float32"):
        bundle.infer({"x": ROWS.astype(float)})
    with pytest.raises(UsageError, match=r"net reads tensors \(x float32 \[-1, 6\]\).*\.infer\({'x': array}\)"):
        bundle.predict(ROWS)


def test_a_graph_that_answers_otherwise_leaves_no_bundle(rooms):
    with pytest.raises(ParityError, match="'scores'"):
        package_tensors(Off(), Off(), {"x": ROWS}, rooms, name="net")
    assert list(rooms.bundles.list()) == []


def test_a_sample_that_the_network_does_not_take_is_named(rooms):
    with pytest.raises(
        NotConvertibleError, match=r"x float32 \[2, 5\] \(6 columns are needed\); give one array for each"
    ):
        package_tensors(Mlp(), Mlp(), {"x": ROWS[:, :5]}, rooms, name="net")


def test_the_sample_says_whether_a_bundle_is_of_tensors():
    assert is_of_tensors({"x": ROWS})
    assert is_of_tensors(np.zeros((2, 3, 4)))
    assert not is_of_tensors(ROWS)
    assert not is_of_tensors(["a text", "another"])


def test_a_model_of_rows_is_not_packaged_as_tensors(home):
    model = LogisticRegression().fit(ROWS, np.arange(9) % 2)
    with pytest.raises(NotConvertibleError, match="LogisticRegression reads rows of a table"):
        golive.package(model, sample={"x": ROWS}, name="net", home=home)
    with pytest.raises(NotConvertibleError, match="no framework plug-in knows"):
        tensor_framework_for(object())


def test_rows_need_their_true_answers(home):
    model = LogisticRegression().fit(ROWS, np.arange(9) % 2)
    with pytest.raises(UsageError, match="target= is needed"):
        golive.package(model, sample=ROWS, name="net", home=home)


def test_it_is_shown_as_tensors(made):
    shown = run("show", "net").stdout
    assert "scores  out  float32  [-1, 3]" in shown
    assert "field" not in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("evaluate", "net", "--data", "rows.csv"), r"evaluated on what\s+numpy.savez"),
        (("predict", "net", "rows.csv", "-o", "answers.csv"), "export it as a script, which reads .npz files"),
    ],
)
def test_verbs_of_rows_say_what_to_do_instead(made, words, told):
    result = run(*words)
    assert result.exit_code == UsageError.exit_code
    assert re.search(told, result.stderr)


def test_nobody_evaluated_it_so_a_release_needs_a_reason(made, rooms):
    verdict = verdict_on(made, Policy(), rooms)
    assert verdict.outcome == "not-enough-data"
    with pytest.raises(GateRefusedError, match="--force REASON"):
        refuse_unless_allowed(verdict, made)
    forced = verdict_on(made, Policy(), rooms, forced="98 % on our own pictures")
    refuse_unless_allowed(forced, made)
    assert release(made, forced, rooms).verdict.forced == "98 % on our own pictures"
