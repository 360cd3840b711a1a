"""The report: complete in itself, safe, in two languages, and well-formed."""

import importlib
import re
import string
from collections import Counter
from html.parser import HTMLParser
from pkgutil import iter_modules

import msgspec
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from golive.domain.bundle import Lineage, Manifest
from golive.domain.data_report import Change, ColumnSummary, DataReport
from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence, Measure
from golive.domain.policy import Policy
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.errors import UsageError
from golive.evaluation import words
from golive.evaluation.numbers import interval_text, number, value_text
from golive.evaluation.pages import phrases
from golive.evaluation.pages.markup import Markup, tag
from golive.evaluation.pages.notebook import evidence_html
from golive.evaluation.pages.report import render
from golive.evaluation.run import baseline_predictions, evaluate
from golive.judge import judge

NASTY = "<script>alert('x')</script>&\"{0}"
VOID = {"meta", "use"}


class Reader(HTMLParser):
    """Reads a page strictly: every element closed in order, all ids and outside addresses collected."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.ids, self.addresses = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, name, attributes):
        self.elements.append(name)
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.addresses += [found[key] for key in ("src", "href", "xlink:href") if key in found]
        if name not in VOID - {"use"}:
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.handle_starttag(name, attributes)
        self.open.pop()

    def handle_endtag(self, name):
        assert self.open.pop() == name


def manifest(task, classes=()):
    field = Field(name=NASTY, dtype="string", categories=(NASTY, *string.ascii_lowercase), unit=NASTY)
    return Manifest(
        name="flower",
        signature=Signature(
            inputs=(field, Field(name="area", dtype="float64", nullable=True, minimum=0.0, maximum=9.5, unit="m2")),
            task=task,
            target=NASTY,
            classes=classes,
        ),
        preparation=Preparation(),
        lineage=Lineage(
            data={NASTY: digest_of(b"data")},
            rows=75,
            code="golive 0.1.0",
            environment={"numpy": "2.3.0"},
            seed=42,
            model=NASTY,
            parameters={"alpha": NASTY},
        ),
    )


def evidence_of(task):
    rows, truth = load_iris(return_X_y=True) if task == "classification" else load_diabetes(return_X_y=True)
    classes = (NASTY, "versicolor", "中文") if task == "classification" else ()
    if task == "classification":
        predicted = LogisticRegression(max_iter=500).fit(rows[1::2, :2], truth[1::2]).predict_proba(rows[::2, :2])
    else:
        predicted = LinearRegression().fit(rows[1::2], truth[1::2]).predict(rows[::2])[:, None]
    return evaluate(
        bundle=digest_of(b"bundle"),
        task=task,
        classes=classes,
        truth=truth[::2],
        predicted=predicted,
        baseline=baseline_predictions(task, truth[1::2], classes, len(predicted)),
        champion=predicted * 0.999,
        champion_digest=digest_of(b"champion"),
        data_digest=digest_of(b"rows"),
        measured_at="2026-01-01T00:00:00Z",
        code="0.1.0",
        size_bytes=1000,
        threshold=0.5,
        extra_measures=(Measure(name="<b>own</b>", value=1.0, note=NASTY),),
    )


DATA = DataReport(
    rows_in=151,
    rows_out=150,
    rows_train=75,
    rows_test=75,
    changes=(Change(rule="ranges", column=NASTY, action="clip", cells=3, rows=3, examples=(NASTY,)),),
    columns=(ColumnSummary(name=NASTY, kind="category", top=(NASTY,)),),
    notes=(NASTY,),
)
TRIALS = (
    {
        "candidate": NASTY,
        "parameters": {"C": NASTY},
        "mean": 0.9,
        "std": 0.01,
        "fit_s": 0.1,
        "error": "",
        "chosen": True,
    },
    {"candidate": "svm", "parameters": {}, "mean": None, "std": None, "fit_s": 0, "error": NASTY, "chosen": False},
)
PARITY = Evidence(
    bundle=digest_of(b"bundle"),
    kind="parity",
    rows=5000,
    measured_at="2026-01-01T00:00:00Z",
    code="0.1.0",
    measures=(Measure(name="greatest_difference", value=3e-13),),
    details={"tolerance": 1e-9, "rows_from": [NASTY], "worst_row": {NASTY: None, "area": 2.5}},
)


@pytest.fixture(scope="module", params=["regression", "classification"])
def evidence(request):
    return evidence_of(request.param)


def page(evidence, lang="en", **more):
    task = evidence.details["task"]
    classes = tuple(evidence.details.get("classes", ()))
    verdict = judge(evidence, Policy(rules=("rmse.upper <= 10", "accuracy >= 0.5")), forced=NASTY)
    given = {"verdict": verdict, "data_report": DATA, "trials": TRIALS, "parity": PARITY, **more}
    return render(manifest=manifest(task, classes), digest=evidence.bundle, evidence=evidence, lang=lang, **given)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_well_formed_complete_in_itself_and_small(evidence, lang):
    text = page(evidence, lang)
    read = Reader(text)
    assert len(text.encode()) < 2_000_000
    assert read.elements.count("svg") >= 3
    assert all(address.startswith("#") for address in read.addresses)
    assert re.findall(r"(?:https?:)?//[^\s\"')]+", text.replace("http://www.w3.org/", "")) == []
    assert "@import" not in text
    assert len(read.ids) == len(set(read.ids))
    assert {address[1:] for address in read.addresses} <= set(read.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(read.ids)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_text_from_data_cannot_become_markup(evidence, lang):
    text = page(evidence, lang)
    read = Reader(text)
    assert "script" not in read.elements
    assert "b" in read.elements
    assert "<b>own" not in text
    assert text.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;{0}") >= 12


def test_every_plot_has_a_text_alternative_and_takes_its_colors_from_the_page(evidence):
    plots = re.findall(r"<svg.*?</svg>", page(evidence), flags=re.DOTALL)
    assert all(re.match(r'<svg role="img" aria-label="[^"]{20,}"', plot) for plot in plots)
    assert all(re.findall(r"#[0-9a-f]{6}\b", plot) == [] for plot in plots)
    assert all("var(--c0)" in plot for plot in plots)
    assert all("font-family" not in plot for plot in plots)


def test_the_same_values_give_the_same_page_byte_for_byte(evidence):
    assert page(evidence) == page(evidence)


def test_the_headline_table_shows_value_baseline_champion_and_differences():
    evidence = evidence_of("regression")
    text = page(evidence)
    for name in ("rmse", "baseline.rmse", "champion.rmse", "rmse - baseline.rmse", "rmse - champion.rmse"):
        assert value_text(evidence.find(name)) in text
        assert interval_text(evidence.find(name)) in text


def test_the_verdict_is_shown_with_every_reason_and_a_forced_release_says_so(evidence):
    verdict = judge(evidence, Policy(rules=("rmse.upper <= 10", "accuracy >= 0.5")), forced="tax day")
    text = page(evidence, verdict=verdict)
    assert all(tag("code", reason.rule) in text for reason in verdict.reasons)
    measured = [reason for reason in verdict.reasons if reason.value is not None]
    assert measured
    assert all(number(reason.value) in text for reason in measured)
    if evidence.find("rmse"):
        whole = number(evidence.find("rmse").value)
        assert (
            f"the upper end of the 95 % interval is {number(measured[0].value)}; the value itself is {whole};" in text
        )
    else:
        assert f"the value is {number(measured[0].value)}; the bound is" in text
    assert "tax day" in text
    assert f'class="outcome {verdict.outcome}"' in text


def test_a_page_with_nothing_but_evidence_is_still_a_page(evidence):
    text = page(evidence, verdict=None, data_report=None, trials=(), parity=None)
    Reader(text)
    assert "Not judged" in text


def test_a_model_that_could_not_be_measured_has_a_report_that_says_why():
    evidence = evaluate(
        bundle=digest_of(b"bundle"),
        task="regression",
        classes=(),
        truth=np.arange(40.0),
        predicted=np.full((40, 1), np.nan),
        baseline=np.zeros((40, 1)),
        champion=None,
        champion_digest=None,
        data_digest=None,
        measured_at="2026-01-01T00:00:00Z",
        code="0.1.0",
        size_bytes=1000,
        threshold=0.5,
    )
    text = page(evidence)
    Reader(text)
    assert "The model gave no number for 40 of 40 rows" in text
    assert "模型在 40 行中有 40 行未给出数值" in page(evidence, "zh")


@pytest.mark.parametrize("scale", [1e200, 1e308, 1e-300])
def test_predictions_of_absurd_size_are_noted_and_drawn(scale):
    truth = np.linspace(-1, 1, 50)
    evidence = evaluate(
        bundle=digest_of(b"bundle"),
        task="regression",
        classes=(),
        truth=truth,
        predicted=truth[:, None] * scale,
        baseline=np.zeros((50, 1)),
        champion=None,
        champion_digest=None,
        data_digest=None,
        measured_at="2026-01-01T00:00:00Z",
        code="0.1.0",
        size_bytes=1000,
        threshold=0.5,
    )
    wired = msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence)
    undefined = [note["metric"] for note in wired.details["notes"] if note["code"] == "undefined"]
    assert ("rmse" in undefined) == (scale > 1)
    assert Reader(page(wired)).elements.count("svg") == 3


def test_the_chinese_page_is_in_chinese_and_its_plots_too():
    text = page(evidence_of("regression"), "zh")
    assert '<html lang="zh-CN">' in text
    assert ">真实值<" in text
    assert not any(phrase in text for phrase in ("Predicted", "Baseline", "Verdict", "Lineage"))


def test_a_trial_without_a_standard_deviation_shows_that_of_its_scores():
    trial = {"candidate": "ridge", "parameters": {}, "mean": 2.0, "scores": [1.0, 2.0, 3.25], "fit_s": 0.1}
    assert tag("td", "1.127", kind="n") in page(evidence_of("regression"), trials=(trial,))


def test_many_trials_are_cut_after_the_best():
    trials = [
        {"candidate": f"model {place}", "parameters": {}, "mean": -place, "std": 0, "fit_s": 0} for place in range(70)
    ]
    text = page(evidence_of("regression"), trials=trials)
    assert "model 59" in text
    assert "model 60" not in text
    assert "10 more trials" in text


def test_an_unknown_language_is_refused(evidence):
    with pytest.raises(UsageError, match="'fr'"):
        page(evidence, "fr")


def test_both_languages_ask_for_the_same_numbers_in_every_phrase():
    def fields(text):
        # A description of rows is made for each language, and the other one's ends in _zh.
        return {name.removesuffix("_zh") for _, name, _, _ in string.Formatter().parse(text) if name}

    table = phrases.table()
    assert [key for key, (english, chinese) in table.items() if fields(english) != fields(chinese)] == []
    assert [key for key, both in table.items() if not all(both)] == []


def test_a_phrase_has_one_place():
    names = [found.name for found in iter_modules(words.__path__)]
    rooms = [importlib.import_module(f"golive.evaluation.words.{name}") for name in names]
    counted = Counter(key for room in rooms for key in room.WORDS)
    assert [key for key, places in counted.items() if places > 1] == []
    assert set(counted) == set(phrases.table())


def test_many_classes_have_no_matrix_but_numbers_by_class():
    rng = np.random.default_rng(1)
    classes = tuple(f"class {place}" for place in range(24))
    predicted = rng.dirichlet(np.ones(24), 240)
    evidence = evaluate(
        bundle=digest_of(b"bundle"),
        task="classification",
        classes=classes,
        truth=rng.integers(0, 24, 240),
        predicted=predicted,
        baseline=np.full((240, 24), 1 / 24),
        champion=None,
        champion_digest=None,
        data_digest=None,
        measured_at="2026-01-01T00:00:00Z",
        code="0.1.0",
        size_bytes=1000,
        threshold=0.5,
    )
    text = page(evidence)
    Reader(text)
    assert "With 24 classes the matrix is too wide" in text
    assert "class 23" in text
    assert len(text.encode()) < 2_000_000


def test_a_notebook_shows_the_measures_as_a_small_safe_table(evidence):
    text = evidence_html(evidence)
    Reader(text)
    assert "&lt;b&gt;own&lt;/b&gt;" in text
    assert "svg" not in text
    assert len(text) < 20_000


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.0, None, "0"),
        (1200.5, None, "1,200"),
        (-0.5, None, "−0.5"),
        (0.123456, None, "0.1235"),
        (30123.4, None, "30,123"),
        (-0.00001, 2, "0.00"),
        (1.5e9, 0, "1.50e9"),
        (3.1e-13, None, "3.10e−13"),
        (2.0, 3, "2.000"),
        (float("nan"), None, "–"),
    ],
)
def test_numbers_are_written_for_people(value, decimals, text):
    assert number(value, decimals) == text


def test_an_interval_is_written_with_two_digits_of_its_width():
    measure = Measure(name="rmse", value=23456.789, lower=21012.3, upper=25987.6)
    assert (value_text(measure), interval_text(measure)) == ("23,457", "21,012 … 25,988")
    measure = Measure(name="auc", value=0.98234, lower=0.97312, upper=0.99001)
    assert (value_text(measure), interval_text(measure)) == ("0.982", "0.973 … 0.990")


def test_markup_escapes_text_but_not_markup():
    assert tag("p", "<", Markup("<br>"), title='"') == '<p title="&quot;">&lt;<br></p>'
