"""Evaluation of bundles of tensors: images, numbers and labels with known answers, from files and from arrays."""

import re
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss, mean_squared_error, r2_score
from sklearn.neural_network import MLPClassifier
from tensor_models import graph_of
from typer.testing import CliRunner

import golive
from golive.cli.app import build_app
from golive.control.judging.gate import verdict_on
from golive.domain.digest import digest_of
from golive.domain.policy import Policy, Verdict
from golive.domain.release import Share
from golive.errors import DataError, PolicyError, UsageError
from golive.evaluation.pages.phrases import phrases

ROWS, FEW = 200, 60


def run(*words):
    return CliRunner().invoke(build_app(), list(words))


def brought(home, tmp_path, name, graph):
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(graph)
    return golive.import_model(path, name=name, home=home)


def network(model, shape, *, batch="n", kind=T.FLOAT):
    """Write a fitted network of two layers as a graph that reads images."""
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=T.FLOAT),
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w0", "b0"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["some"]),
        helper.make_node("Gemm", ["some", "w1", "b1"], ["logits"]),
    ]
    weights = {f"w{place}": value.astype(np.float32) for place, value in enumerate(model.coefs_)}
    biases = {f"b{place}": value.astype(np.float32) for place, value in enumerate(model.intercepts_)}
    return graph_of(
        nodes, [("image", kind, [batch, *shape])], [("logits", T.FLOAT, [batch, 10])], {**weights, **biases}
    )


def passing(outputs, extra=()):
    """Give a graph that answers what it reads, under other names."""
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name, _, _ in outputs]
    return graph_of(nodes, [*outputs, *extra], [(f"{name}_out", kind, shape) for name, kind, shape in outputs])


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    images = images / 16
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:900], order[900:]
    model = MLPClassifier((24,), max_iter=60, random_state=0, learning_rate_init=0.01, alpha=0.03)
    model.fit(images[train], labels[train])
    return model, images[test].astype(np.float32), labels[test]


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def home(state):
    return str(state / "home")


@pytest.fixture(scope="module")
def reader(home, state, digits):
    return brought(home, state, "digits", network(digits[0], (1, 8, 8)))


@pytest.fixture(scope="module")
def judged(reader, digits):
    _, images, labels = digits
    return golive.evaluate(reader, {"image": images.reshape(-1, 1, 8, 8)}, labels)


@pytest.fixture
def here(tmp_path, monkeypatch, home):
    monkeypatch.setenv("GOLIVE_HOME", home)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def codes(found):
    return {note["code"] for note in found.evidence.details["notes"]}


def test_a_network_of_images_is_measured_as_its_library_measures_it(judged, digits):
    model, images, labels = digits
    chances = model.predict_proba(images)
    assert judged.evidence.rows == len(labels)
    assert judged.evidence.rows_from == "given"
    assert judged["accuracy"] == pytest.approx((chances.argmax(axis=1) == labels).mean())
    assert judged["log_loss"] == pytest.approx(log_loss(labels, chances), rel=1e-4)
    assert {"tensors_logits", "tensors_baseline", "tensors_pictures"} <= codes(judged)


def test_the_baseline_is_the_best_constant_on_these_rows(judged, digits):
    labels = digits[2]
    shares = np.bincount(labels) / len(labels)
    assert judged["baseline.log_loss"] == pytest.approx(-np.log(shares[labels]).mean())
    assert judged["baseline.accuracy"] == pytest.approx(shares.max())


def test_images_are_stressed(judged):
    drops = {m.name for m in judged.evidence.measures if m.name.endswith("accuracy_drop")}
    stresses = {name.split(".")[1].rstrip("0123456789").rstrip("_") for name in drops}
    assert stresses == {"image_noise", "shift", "occlusion", "brightness", "contrast", "rotation"}
    assert judged["robustness.shift_2.accuracy_drop"] > 0.3
    assert judged["robustness.contrast_10.accuracy_drop"] < 0.05
    assert {"stress-images", "stress-moved", "stress-turned", "latency", "confusion"} <= set(judged.plots)


def test_clean_digits_have_no_findings(judged):
    assert [finding.text for finding in judged.evidence.findings] == []
    assert set(judged.evidence.checked) == {"calibration", "label_noise"}


def test_wrong_labels_stand_first_among_the_suspects(reader, digits):
    _, images, labels = digits
    rng = np.random.default_rng(3)
    wrong = rng.choice(len(labels), len(labels) // 10, replace=False)
    spoilt = labels.copy()
    spoilt[wrong] = (spoilt[wrong] + rng.integers(1, 10, len(wrong))) % 10
    found = golive.evaluate(reader, images.reshape(-1, 1, 8, 8), spoilt)
    suspects = [suspect["row"] for suspect in found.evidence.details["label_noise"]["suspects"]]
    assert set(suspects[:10]) <= set(wrong.tolist())


@pytest.mark.parametrize(
    ("shape", "kind", "scale"),
    [((8, 8), T.FLOAT, 1), ((8, 8, 1), T.FLOAT, 1), ((8, 8), T.UINT8, 255)],
)
def test_images_may_have_their_channels_last_or_none_or_be_bytes(home, tmp_path, digits, shape, kind, scale):
    model, images, labels = digits
    inputs = (images * scale).reshape(-1, *shape).astype(np.uint8 if kind == T.UINT8 else np.float32)
    bundle = brought(home, tmp_path, "shaped", network(model, shape, kind=kind))
    found = golive.evaluate(bundle, inputs[:FEW], labels[:FEW])
    assert "robustness.rotation_20.accuracy_drop" in {measure.name for measure in found.evidence.measures}


def test_flat_pixels_are_images_where_they_are_declared_to_be(home, tmp_path, digits):
    model, images, labels = digits
    bundle = brought(home, tmp_path, "flat", network(model, (64,)))
    plain = golive.evaluate(bundle, images[:FEW], labels[:FEW])
    declared = golive.evaluate(bundle, images[:FEW], labels[:FEW], picture={"height": 8, "width": 8})
    assert "robustness.noise_0_1.accuracy_drop" in {measure.name for measure in plain.evidence.measures}
    assert "robustness.shift_1.accuracy_drop" in {measure.name for measure in declared.evidence.measures}


def test_a_graph_of_a_fixed_number_of_rows_answers_any_number(home, tmp_path, digits):
    model, images, labels = digits
    bundle = brought(home, tmp_path, "eight", network(model, (1, 8, 8), batch=8))
    found = golive.evaluate(bundle, images[:101].reshape(-1, 1, 8, 8), labels[:101])
    assert found["accuracy"] == pytest.approx((model.predict(images[:101]) == labels[:101]).mean())
    assert found.evidence.details["latency"]["batch"] == [8]


def test_the_same_arrays_give_the_same_measures(reader, digits):
    images, labels = digits[1][:FEW].reshape(-1, 1, 8, 8), digits[2][:FEW]
    once, again = (golive.evaluate(reader, images, labels) for _ in range(2))
    timed = ("latency.p50_ms", "latency.p99_ms")

    def kept(found):
        return [measure for measure in found.evidence.measures if measure.name not in timed]

    assert kept(again) == kept(once)


def test_a_file_is_evaluated_judged_and_reported(reader, digits, here):
    np.savez(here / "test.npz", image=digits[1].reshape(-1, 1, 8, 8), digit=digits[2], other=np.zeros(3))
    said = run("evaluate", "digits", "--data", "test.npz", "--truth", "digit")
    assert said.exit_code == 0, said.output
    page = Path(re.search(r"\S+\.html", said.stdout)[0])
    text = page.read_text("utf-8")
    assert "taken as images" in text
    assert "[-1, 1, 8, 8]" in text
    assert run("gate", "digits", "--rule", "accuracy.lower >= 0.9", "--rule", "calibration == none").exit_code == 0
    assert run("gate", "digits", "--rule", "robustness.shift_2.accuracy_drop <= 0.1").exit_code == 3


def test_the_gate_cannot_say_anything_of_what_was_never_measured(home, tmp_path, digits):
    bundle = brought(home, tmp_path, "unmeasured", network(digits[0], (8, 4, 2)))
    verdict = verdict_on(bundle.bundle, Policy(rules=("accuracy >= 0.9",)), bundle._rooms)
    assert verdict.outcome == "not-enough-data"
    assert "--data FILE.npz --truth NAME" in verdict.reasons[0].text


def test_it_is_compared_with_another_network(reader, home, tmp_path, digits):
    images, labels = digits[1][:ROWS], digits[2][:ROWS]
    worse = MLPClassifier((4,), solver="lbfgs", max_iter=8, random_state=0).fit(images[:50], labels[:50])
    other = brought(home, tmp_path, "other", network(worse, (1, 8, 8)))
    found = golive.evaluate(reader, images.reshape(-1, 1, 8, 8), labels, against=other)
    assert found.evidence.champion == other.digest
    assert found["champion.accuracy"] == pytest.approx((worse.predict(images) == labels).mean(), abs=0.005)
    assert found["accuracy - champion.accuracy"] > 0


def test_the_champion_is_what_is_live_under_the_name(reader, home, tmp_path, digits):
    images, labels = digits[1][:ROWS], digits[2][:ROWS]
    newer = MLPClassifier((6,), max_iter=30, random_state=0, learning_rate_init=0.05).fit(images, labels)
    bundle = brought(home, tmp_path, "live", network(newer, (1, 8, 8)))
    older = brought(home, tmp_path, "live", network(digits[0], (1, 8, 8)))
    ledger, at = older._rooms.ledger, "2026-01-01T00:00:00+00:00"
    verdict = Verdict(bundle=older.digest, outcome="pass", policy=digest_of(b"policy"))
    made = ledger.add_release("live", older.digest, verdict, at=at, by="test")
    split = (Share(made.version, 1.0),)
    wish = ledger.add_deployment("live", "local", split, strategy="direct", reason="", at=at, by="test")
    ledger.settle(wish.number, "live", "", at=at)
    found = golive.evaluate(bundle, images.reshape(-1, 1, 8, 8), labels)
    assert found.evidence.champion == older.digest
    assert found["champion.accuracy"] == pytest.approx((digits[0].predict(images) == labels).mean())
    again = golive.evaluate(older, images.reshape(-1, 1, 8, 8), labels)
    assert again.evidence.champion is None


def test_another_network_with_other_tensors_is_not_measured(reader, home, tmp_path, digits):
    other = brought(home, tmp_path, "apart", network(digits[0], (8, 8)))
    found = golive.evaluate(reader, digits[1][:FEW].reshape(-1, 1, 8, 8), digits[2][:FEW], against=other)
    assert "tensors_champion" in codes(found)
    assert found.evidence.find("champion.accuracy") is None


@pytest.fixture(scope="module")
def echo(home, state):
    """Two outputs that are the inputs: three numbers a row, and one."""
    graph = passing([("scores", T.FLOAT, ["n", 3]), ("amount", T.FLOAT, ["n", 1])])
    return brought(home, state, "echo", graph)


def echoed(scores=None, amount=None, rows=ROWS):
    rng = np.random.default_rng(8)
    return {
        "scores": (rng.normal(size=(rows, 3)) if scores is None else scores).astype(np.float32),
        "amount": (rng.normal(size=(rows, 1)) if amount is None else amount).astype(np.float32),
    }


def test_probabilities_are_taken_as_they_are(echo):
    chances = np.random.default_rng(2).dirichlet([1, 1, 1], ROWS)
    labels = np.array([np.random.default_rng(row).choice(3, p=chance) for row, chance in enumerate(chances)])
    found = golive.evaluate(echo, echoed(chances), labels, answer="scores_out")
    assert found.evidence.details["tensors"]["form"] == "probabilities"
    assert found["log_loss"] == pytest.approx(log_loss(labels, chances), rel=1e-5)
    assert "tensors_logits" not in codes(found)


def test_classes_are_named_in_the_order_of_the_answers(echo):
    chances = np.random.default_rng(2).dirichlet([1, 1, 1], ROWS)
    labels = np.array(["cat", "dog", "eel"])[chances.argmax(axis=1)]
    found = golive.evaluate(echo, echoed(chances), labels, answer="scores_out", classes=["cat", "dog", "eel"])
    assert found["accuracy"] == 1
    assert found.evidence.find("class.eel.recall") is not None
    one_hot = np.eye(3, dtype=int)[chances.argmax(axis=1)]
    assert golive.evaluate(echo, echoed(chances), one_hot, answer="scores_out")["accuracy"] == 1


@pytest.mark.parametrize(("scale", "form"), [(None, "second"), (8.0, "second_logit")])
def test_one_number_for_two_classes_is_the_second_ones(echo, scale, form):
    rng = np.random.default_rng(2)
    odds = rng.normal(size=ROWS)
    labels = rng.random(ROWS) < 1 / (1 + np.exp(-odds))
    amount = 1 / (1 + np.exp(-odds)) if scale is None else odds
    found = golive.evaluate(echo, echoed(amount=amount[:, None]), labels, answer="amount_out")
    assert found.evidence.details["tensors"]["form"] == form
    assert found["log_loss"] == pytest.approx(log_loss(labels, 1 / (1 + np.exp(-odds))), rel=1e-4)


def test_known_answers_of_one_class_are_a_finding_and_the_head_says_so(echo):
    found = golive.evaluate(
        echo, echoed(), np.full(ROWS, "dog"), answer="scores_out", classes=["cat", "dog", "eel"]
    ).evidence
    assert [(one.severity, one.values["label"]) for one in found.findings if one.code == "one_class"] == [
        ("warn", "dog")
    ]


def test_numbers_are_a_regression(echo):
    rng = np.random.default_rng(2)
    truth = rng.normal(size=ROWS)
    answers = truth + rng.normal(size=ROWS) / 4
    found = golive.evaluate(echo, echoed(amount=answers[:, None]), truth, answer="amount_out")
    assert found["rmse"] == pytest.approx(mean_squared_error(truth, answers) ** 0.5, rel=1e-5)
    assert found["baseline.rmse"] == pytest.approx(truth.std())
    assert "robustness.noise_0_1.rmse_drop" in {measure.name for measure in found.evidence.measures}


def test_several_numbers_a_row_are_measured_together_and_each(echo):
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(ROWS, 3))
    answers = truth + rng.normal(size=(ROWS, 3)) * [0.1, 0.2, 0.4]
    truth[0, 1] = np.nan
    found = golive.evaluate(echo, echoed(answers), truth, answer="scores_out")
    usable = np.isfinite(truth)
    assert found.evidence.rows == ROWS
    assert found["mse"] == pytest.approx(((truth - answers)[usable] ** 2).mean(), rel=1e-5)
    assert found["output.2.rmse"] == pytest.approx(mean_squared_error(truth[:, 2], answers[:, 2]) ** 0.5, rel=1e-5)
    assert found["output.2.r2"] == pytest.approx(r2_score(truth[:, 2], answers[:, 2]), rel=1e-4)
    assert "tensors_outputs" in codes(found)


def test_of_very_many_numbers_a_row_some_are_measured_under_their_own_places(home, tmp_path):
    bundle = brought(home, tmp_path, "wide", passing([("x", T.FLOAT, ["n", 991])]))
    truth = np.random.default_rng(0).normal(size=(40, 991))
    answers = truth.astype(np.float32)
    answers[:, 10] += 1
    found = golive.evaluate(bundle, answers, truth)
    assert found.evidence.details["tensors"]["outputs"] == 100
    assert found["output.10.rmse"] == pytest.approx(1, rel=1e-5)
    assert found["output.20.rmse"] < 1e-5


def test_labels_that_a_graph_decided_for_are_measured_by_their_decisions(home, tmp_path):
    bundle = brought(home, tmp_path, "decided", passing([("label", T.INT64, ["n"])]))
    truth = np.arange(ROWS) % 4
    given = np.where(np.arange(ROWS) < 20, 3, truth)
    found = golive.evaluate(bundle, {"label": given}, truth)
    assert found["accuracy"] == pytest.approx((given == truth).mean())
    assert "tensors_labels" in codes(found)


def test_columns_beside_the_inputs_say_which_group_a_row_is_of(echo):
    rng = np.random.default_rng(2)
    chances = rng.random(ROWS * 4)
    labels = (rng.random(ROWS * 4) < chances).astype(int)
    arrays = echoed(amount=chances[:, None], rows=ROWS * 4) | {"sex": rng.choice(["f", "m"], ROWS * 4)}
    found = golive.evaluate(echo, arrays, labels, answer="amount_out", sensitive=["sex"])
    assert 0.5 < found["fairness.sex.selection_ratio"] <= 1
    assert "group_gap" in found.evidence.checked


def test_inputs_of_no_row_go_with_every_question(home, tmp_path):
    nodes = [helper.make_node("Mul", ["x", "rate"], ["y"])]
    graph = graph_of(nodes, [("x", T.FLOAT, ["n", 1]), ("rate", T.FLOAT, [1])], [("y", T.FLOAT, ["n", 1])])
    bundle = brought(home, tmp_path, "rated", graph)
    x = np.random.default_rng(0).normal(size=(ROWS, 1)).astype(np.float32)
    found = golive.evaluate(bundle, {"x": x, "rate": np.array([2.0], np.float32)}, 2.0 * x[:, 0] + 1)
    assert found["rmse"] == pytest.approx(1, rel=1e-5)


def test_answers_that_are_no_numbers_are_counted_and_not_measured(echo):
    scores = np.random.default_rng(0).normal(size=(ROWS, 3))
    scores[7] = np.nan
    found = golive.evaluate(echo, echoed(scores), np.arange(ROWS) % 3, answer="scores_out")
    assert found["invalid_predictions"] == 1
    assert found.evidence.find("accuracy") is None
    assert [(one.kind, one.severity, one.rows) for one in found.evidence.findings] == [("rows", "stop", (7,))]
    assert golive.gate(found).outcome == "not-enough-data"


@pytest.mark.parametrize(
    ("change", "truth", "words", "told"),
    [
        ({"scores": None}, np.zeros(ROWS, int), {}, r"'scores' is not among the arrays \(amount float32 \[200, 1\]\)"),
        ({}, np.zeros(7, int), {}, r"\[200, 3\], but there are 7 known answers"),
        ({}, np.zeros((0,)), {}, "there are no rows"),
        ({}, np.array(1.0), {}, "single value"),
        ({}, np.full(ROWS, 3), {}, "holds '3', and 'scores_out' is of the classes '0' … '2'"),
        ({}, np.array(["a", "b"] * 100), {}, "holds 'a', 'b'"),
        ({}, np.array(["a", "b"] * 100), {"classes": ["x", "y", "z"]}, "holds 'a', 'b'"),
        ({}, np.full(ROWS, -1), {}, "no value of the truth"),
        ({}, np.zeros((ROWS, 4)), {}, r"4 numbers a row \[200, 4\], and the answer 'scores_out' 3"),
        ({}, np.zeros(ROWS) + 0.5, {}, r"'truth' is float64 \[200\] and the answer 'scores_out' is float32 \[200, 3\]"),
        ({}, np.array([{}] * ROWS), {}, "'truth' is an array of object"),
        (
            {"scores": np.zeros((ROWS, 2, 2), np.float32)},
            np.zeros(ROWS, int),
            {},
            r"\[200, 2, 2\], and the model takes",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_named(echo, change, truth, words, told):
    arrays = {name: array for name, array in (echoed() | change).items() if array is not None}
    with pytest.raises(DataError, match=told):
        golive.evaluate(echo, arrays, truth, answer="scores_out", **words)


def test_words_that_do_not_fit_are_named(echo):
    labels = np.arange(ROWS) % 3
    with pytest.raises(UsageError, match="2 classes were named and 'scores_out' gives 3"):
        golive.evaluate(echo, echoed(), labels, answer="scores_out", classes=["a", "b"])
    with pytest.raises(UsageError, match="no output 'scores'; the model gives scores_out, amount_out"):
        golive.evaluate(echo, echoed(), labels, answer="scores")
    with pytest.raises(UsageError, match="not compared with those of training"):
        golive.evaluate(echo, echoed(), labels, training=(echoed(), labels))


def test_lists_are_taken_as_what_the_model_takes_and_ragged_ones_are_refused(echo):
    rows = [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]] * 20
    found = golive.evaluate(echo, {"scores": rows, "amount": [[1]] * 40}, [2, 0] * 20, answer="scores_out")
    assert found["accuracy"] == 1
    with pytest.raises(DataError, match="'scores' are no array"):
        golive.evaluate(echo, {"scores": [[1.0], [1.0, 2.0]], "amount": [[1], [1]]}, [0, 1], answer="scores_out")


def test_what_is_declared_and_does_not_fit_is_noted(echo):
    labels = np.arange(ROWS) % 3
    found = golive.evaluate(echo, echoed(), labels, answer="scores_out", group="who", picture={"height": 9, "width": 9})
    assert {"tensors_absent", "tensors_no_picture"} <= codes(found)
    twice = golive.evaluate(echo, echoed(), labels, answer="scores_out", group="who", time="when")
    told = [one["text"] for one in twice.evidence.details["notes"] if one["code"] == "tensors_absent"]
    assert len(told) == 1
    assert "'when', 'who'" in told[0]
    with pytest.raises(PolicyError, match="never measured"):
        golive.gate(twice, "robustness.nois_1.accuracy_drop <= 0.1")
    with pytest.raises(UsageError, match="are not all different"):
        golive.evaluate(echo, echoed(), labels, answer="scores_out", classes=["a", "a", "b"])


def test_files_that_hold_no_arrays_are_refused(reader, here):
    (here / "rows.csv").write_text("a,b\n1,2\n")
    np.savez(here / "objects.npz", image=np.array([{}], dtype=object), truth=np.zeros(1))
    np.savez(here / "unnamed.npz", image=np.zeros((2, 1, 8, 8), np.float32), answer=np.zeros(2))
    for name, told in (
        ("rows.csv", "cannot be read as arrays by name"),
        ("objects.npz", "cannot be read as arrays by name"),
        ("absent.npz", "cannot be read as arrays by name"),
        ("unnamed.npz", "say which is the truth: --truth NAME"),
    ):
        said = run("evaluate", "digits", "--data", name)
        assert said.exit_code == UsageError.exit_code
        assert told in " ".join(said.stderr.split())


@pytest.mark.parametrize("form", ["card", "annex-iv", "self-assessment", "markdown", "json"])
def test_documents_are_written_of_it(judged, here, form):
    said = run("report", "digits", "--to", form)
    assert said.exit_code == 0, said.output
    assert "accuracy" in said.stdout


def test_notes_about_tensors_have_a_chinese_sentence(judged):
    say = phrases("zh")
    for told in judged.evidence.details["notes"]:
        assert re.search(r"[\u4e00-\u9fff]", say(f"note.{told['code']}", **told))
