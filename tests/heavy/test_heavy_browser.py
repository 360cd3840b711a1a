"""The browser export in a real headless Chromium: its page gives golive's answers, and can be used by its reader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensor_models
from chromium import Chromium, Tab, chromium, found, served
from lightgbm import LGBMClassifier
from priced import keep
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, QuantileTransformer, SplineTransformer, StandardScaler
from sklearn.svm import SVR, LinearSVC
from xgboost import XGBRegressor

import golive
from golive import plugins, testing
from golive.adapters.exports.browser.runtime import ONNXRUNTIME_WEB, runtime_parts
from golive.adapters.exports.companions.described import model_json
from golive.domain.bundle import Bundle, Manifest
from golive.domain.preparation import (
    Bound,
    Combine,
    DateParts,
    Normalize,
    Preparation,
    Recode,
    TextCounts,
    TextTerms,
    Tokens,
    Vocabulary,
)
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, UnavailableError
from golive.inference.front import compile_front
from golive.packaging.boundary import _ODD_TEXTS
from golive.settings import read_settings
from golive.store.bundles import BundleStore

pytestmark = pytest.mark.heavy
DONE = "['done', 'failed'].includes(document.getElementById('check')?.dataset.state)"
ANSWERED = "document.getElementById('answer')?.dataset.state === 'answered'"


@pytest.fixture(scope="session", name="ort")
def fixture_ort(tmp_path_factory) -> Path:
    """The runtime's two files, fetched once."""
    cache = tmp_path_factory.mktemp("home") / "cache"
    try:
        runtime_parts(None, cache=cache, registry=read_settings().npm_registry)
    except UnavailableError as error:
        pytest.skip(f"{ONNXRUNTIME_WEB.archive} is not at hand, so no page can run: {error.message}")
    return cache / f"{ONNXRUNTIME_WEB.package}-{ONNXRUNTIME_WEB.version}"


@pytest.fixture(scope="module", name="browser")
def fixture_browser(tmp_path_factory) -> Iterator[Chromium]:
    program = found()
    if program is None:
        pytest.skip("no Chromium is installed (.ci/install-heavy brings it), so no page can be opened")
    with chromium(program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def export(bundle: Bundle, files: dict[str, bytes], folder: Path, ort: Path, **options: str) -> Path:
    out = folder / "page"
    out.mkdir(parents=True)
    written = plugins.load("exports", "browser").write(bundle, files, out, {"ort": str(ort), **options})
    assert all(path.is_file() and out in path.parents for path in written)
    return out


def exported(model: Any, x: pd.DataFrame, y: Any, folder: Path, ort: Path, **options: str) -> Path:
    handle = golive.package(model.fit(x, y), sample=x, target=y, name="asked", home=str(folder / "home"))
    return export(handle.bundle, handle._rooms.bundles.files(handle.bundle), folder, ort, **options)


def checked(browser: Chromium, address: str) -> dict[str, Any]:
    tab = browser.tab()
    tab.open(address)
    tab.wait(DONE)
    found = tab.evaluate("({...document.getElementById('check').dataset})")
    assert found["state"] == "done", tab.evaluate("document.getElementById('state').textContent")
    return {name: json.loads(value) for name, value in found.items() if name != "state"}


def opened(browser: Chromium, address: str, *, query: str = "lang=en") -> Tab:
    tab = browser.tab()
    tab.look(1200, 900)
    tab.open(f"{address}/?{query}")
    tab.wait(ANSWERED)
    return tab


def test_the_export_keeps_its_promises(ort, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(ort.parent.parent))
    written = testing.check_export(plugins.load("exports", "browser"), *keep(tmp_path / "store"))
    assert {Path("index.html"), Path("model.onnx"), Path("ort/ort-wasm-simd-threaded.wasm")} <= set(written)


def put(tab: Tab, place: int, value: str) -> None:
    """Enter a value into a field as a person does: the page hears of it."""
    tab.evaluate(
        f"(() => {{ const field = document.getElementById('f{place}'); field.value = {json.dumps(value)};"
        "field.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def mixed(rows: int = 500) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        {"a": rng.normal(size=rows), "b": rng.normal(size=rows) * 10, "c": rng.choice(["x", "y", "北京"], rows)}
    )
    table.loc[::7, "a"] = np.nan
    return table, (table["b"] + (table["c"] == "x") * 5 + table["a"].fillna(0) * 3 > 0).astype(int)


KINDS = (
    "logistic",
    "naive Bayes",
    "calibrated",
    "forest",
    "boosted",
    "boosted categories",
    "lightgbm",
    "xgboost",
    "network",
    "kernel",
    "splines",
    "counts",
    "stacked",
)


def kind_of(name: str) -> tuple[Any, pd.DataFrame, Any]:
    """Give a model to fit and what to fit it on."""
    iris, tumors, sugar = (
        load(return_X_y=True, as_frame=True) for load in (load_iris, load_breast_cancer, load_diabetes)
    )
    filled = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["c"]), (SimpleImputer(add_indicator=True), ["a", "b"])
    )
    coded = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["c"]), remainder="passthrough"
    )
    by_category = HistGradientBoostingClassifier(max_iter=20, categorical_features=[0])
    stacked = StackingClassifier([("linear", LogisticRegression()), ("forest", RandomForestClassifier(5))])
    return {
        "logistic": (make_pipeline(filled, LogisticRegression()), *mixed()),
        "naive Bayes": (GaussianNB(), *iris),
        "calibrated": (CalibratedClassifierCV(LinearSVC(), method="isotonic", cv=2), *tumors),
        "forest": (RandomForestClassifier(20, random_state=0), *tumors),
        "boosted": (GradientBoostingRegressor(n_estimators=20), *sugar),
        "boosted categories": (make_pipeline(coded, by_category), *mixed()),
        "lightgbm": (LGBMClassifier(n_estimators=20, verbose=-1), *tumors),
        "xgboost": (XGBRegressor(n_estimators=20), *sugar),
        "network": (make_pipeline(StandardScaler(), MLPClassifier((16,), max_iter=200, random_state=0)), *iris),
        "kernel": (make_pipeline(StandardScaler(), SVR()), *sugar),
        "splines": (make_pipeline(QuantileTransformer(n_quantiles=30), SplineTransformer(n_knots=4), Ridge()), *sugar),
        "counts": (make_pipeline(StandardScaler(), PoissonRegressor()), *sugar),
        "stacked": (make_pipeline(StandardScaler(), stacked), *iris),
    }[name]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_kind_of_model_answers_in_the_browser_as_golive_does(kind, browser, ort, tmp_path):
    with served(exported(*kind_of(kind), tmp_path, ort)) as address:
        found = checked(browser, f"{address}/?check")
    assert found["rows"] > 50
    assert (found["flipped"], found["prepared"], found["right"]) == (0, 0, True)
    assert found["largest"] < 1e-13


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_dates_gaps_and_unseen_categories_enter_the_model_as_golive_lets_them(task, browser, ort, tmp_path):
    with served(export(*keep(tmp_path / "store", task=task), tmp_path, ort)) as address:
        found = checked(browser, f"{address}/?check")
    assert (found["flipped"], found["prepared"], found["right"]) == (0, 0, True)


def test_texts_are_cut_and_weighed_as_golive_does_it(browser, ort, tmp_path):
    words = [
        "good tea",
        "bad tea",
        "very good coffee indeed",
        "awful, awful coffee",
        "naïve café crème",
        "北京 烤鸭 好吃",
    ]
    x = pd.DataFrame({"text": words * 20})
    model = make_pipeline(
        make_column_transformer((TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), "text")), LogisticRegression()
    )
    with served(exported(model, x, [1, 0, 1, 0, 1, 1] * 20, tmp_path, ort)) as address:
        found = checked(browser, f"{address}/?check")
    assert (found["flipped"], found["prepared"], found["right"]) == (0, 0, True)


def test_a_wrong_answer_is_told_with_its_row(browser, ort, tmp_path):
    page = export(*keep(tmp_path / "store", task="classification"), tmp_path, ort)
    parity = json.loads((page / "parity.json").read_text())
    parity["P"][3] = [1 - value for value in parity["P"][3]]
    parity["labels"][3] = "no" if parity["labels"][3] == "yes" else "yes"
    (page / "parity.json").write_text(json.dumps(parity))
    with served(page) as address:
        tab = browser.tab()
        tab.open(f"{address}/?check&lang=en")
        tab.wait(DONE)
        told = tab.evaluate("document.getElementById('check').innerText")
        found = tab.evaluate("({...document.getElementById('check').dataset})")
    assert (found["flipped"], found["right"]) == ("1", "false")
    assert "Not the same answers" in told
    assert f'"area":{json.dumps(parity["rows"][3]["area"])}' in told


STEPS = (
    Normalize(column="word"),
    Recode(column="word", missing=("unknown", -999)),
    Recode(column="count", missing=(-999, "1e3", "many", " 7_000 ")),
    Bound(column="clipped", minimum=-1.5, maximum=2.5, outside="clip"),
    Bound(column="cut", minimum=0, outside="missing"),
    DateParts(column="when", parts=("year", "month", "day", "weekday", "hour", "dayofyear", "days")),
    TextCounts(column="word"),
    Combine(into="total", operation="sum", columns=("count", "cut", "clipped")),
    Combine(into="times", operation="product", columns=("count", "cut")),
    Combine(into="less", operation="difference", columns=("count", "cut")),
    Combine(into="per", operation="ratio", columns=("count", "cut")),
    Combine(into="log", operation="log1p", columns=("clipped",)),
    Combine(into="squared", operation="square", columns=("count",)),
    Combine(into="size", operation="absolute", columns=("clipped",)),
)
FIELDS = (
    Field(name="word", dtype="string", nullable=True),
    Field(name="when", dtype="string", nullable=True, format="date"),
    Field(name="count", dtype="float64", nullable=True),
    Field(name="clipped", dtype="float64"),
    Field(name="cut", dtype="float64", nullable=True),
    Field(name="flag", dtype="bool", nullable=True),
)
MADE = ("total", "times", "less", "per", "log", "squared", "size", "word_chars", "word_words")
PARTS = tuple(f"when_{part}" for part in STEPS[5].parts)  # type: ignore[union-attr]
DATES = (
    "2011-07-25",
    "2011-07-25T13",
    "2011-07-25T13:00",
    "2011-07-25 13:00:59.123456",
    "2011-07-25T13:00:00,5",
    "2011-07-25T23:59:59.999999999",
    "2011-07-25T13:00:00Z",
    "2011-07-25T13:00:00+02:00",
    "2011-01-01T00:30:00+01:00",
    "2011-12-31T23:30:00-01:00",
    "2011-07-25T13:00:00+23:59:59.999999",
    "2011-07-25T130059",
    "20110725",
    "20110725T130059Z",
    "2011-W30",
    "2011-W30-1",
    "2011W301",
    "2020-W53-7",
    "2011W30",
    "2000-02-29",
    "0001-01-01",
    "9999-12-31T23:59:59",
    "1899-12-31T00:00:00.000001",
    "2011-07-25x13:00",
    "2011-07-25é13:00",
)
NO_DATES = (
    "",
    "2011",
    "2011-07",
    "2011-7-5",
    "2011-02-29",
    "2011-13-01",
    "2011-00-10",
    "0000-01-01",
    "2011-07-25T24:00",
    "2011-07-25T13:60",
    "2011-07-25T13:0",
    "2011-07-25T13:00:0059",
    "2011-07-25T13:00:00+24:00",
    "2011-07-25T13:00:00z",
    "2011-07-25T13:00:00Z1",
    "2011-07-25T13:00:00.",
    "2011-W54-1",
    "2019-W53-1",
    "2011-W30-8",
    "25.07.2011",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "２０１１-07-25",
)
WORDS = (
    None,
    "",
    " \u00a0\t",
    "Unknown",
    "-999",
    " A\u2003b\x1fc ",
    "Ｆｕｌｌ ﬁne",
    "İstanbul STRASSE ΣΑΣ",
    "cafe\u0301 \U0001f600\u200d",
    "20",
    "20.0",
    "1e-07",
    20,
    20.0,
    0.1,
    1e-7,
    1.5e-5,
    1e22,
    -1e16,
    123456789.125,
    True,
)
COUNTS = (None, 0.0, -0.0, 1.0, -999, 1000, 7000, 1e300, 1e-300, 0.1, True, 2**53 + 2)
FLAGS = (None, True, False, 0, 1, 2, 0.5)


def stepped() -> tuple[Bundle, Signature, Preparation, list[dict[str, Any]]]:
    signature = Signature(inputs=FIELDS, task="regression", target="y")
    preparation = Preparation(
        steps=STEPS,
        numbers=(*MADE, *PARTS, "count", "flag"),
        categories=(
            Vocabulary("word", ("a b c", "full fine", "20", "1e-07", "0.1", "true", "-10000000000000000")),
            Vocabulary("count", ("0", "1", "0.1")),
            Vocabulary("flag", ("true", "false", "2")),
        ),
    )
    rng = np.random.default_rng(1)
    pools = {"word": WORDS, "when": (None, *DATES), "count": COUNTS, "cut": COUNTS, "flag": FLAGS}
    rows = [
        {name: pool[rng.integers(len(pool))] for name, pool in pools.items()} | {"clipped": float(rng.normal() * 3)}
        for _ in range(600)
    ]
    manifest = Manifest(name="stepped", signature=signature, preparation=preparation)
    return Bundle(digest="sha256:0", manifest=manifest, files=()), signature, preparation, rows


def asked_front(tab: Tab, model: bytes, rows: list[dict[str, Any]]) -> list[Any]:
    """Prepare rows one by one by the page's own scripts: the numbers and codes, or the reason of a refusal."""
    script = f"""(async () => {{
      const {{ compileFront }} = await import("./page/front.js");
      const front = compileFront({model.decode()});
      const plain = (value) => Number.isNaN(value) ? "NaN" : Object.is(value, -0) ? "-0" : value;
      return {json.dumps(rows)}.map((row) => {{
        try {{
          const {{ numbers, codes }} = front([row]);
          return [[...numbers].map(plain), [...codes].map(Number)];
        }} catch (error) {{ return error.reason ?? error.message; }}
      }});
    }})()"""
    return tab.evaluate(script)


@pytest.fixture(name="page")
def fixture_page(browser, ort, tmp_path) -> Iterator[Tab]:
    """A page of some model, for its scripts."""
    with served(export(*keep(tmp_path / "store"), tmp_path, ort)) as address:
        yield opened(browser, address)


def numbers_of(row: list[Any]) -> list[float]:
    return [float(value) for value in row]


def test_each_declared_step_gives_in_the_page_what_it_gives_in_golive(page):
    bundle, signature, preparation, rows = stepped()
    front = compile_front(preparation, signature)
    wanted = [front.rows([[row[field.name] for field in FIELDS]]) for row in rows]
    got = asked_front(page, model_json(bundle), rows)
    log = preparation.numbers.index("log")
    for row, (numbers, codes), answer in zip(rows, wanted, got, strict=True):
        assert not isinstance(answer, str), (row, answer)
        here, there = numbers_of(answer[0]), numbers[0].tolist()
        # The logarithm of one C library and of another may differ in the last bit; all else is the very number.
        assert here[log] == pytest.approx(there[log], rel=3e-16, nan_ok=True), row
        here[log] = there[log]
        assert np.array_equal(here, there, equal_nan=True), (row, here, there)
        assert answer[1] == codes[0].tolist(), row


def test_what_python_reads_as_a_date_the_page_does_and_nothing_else(page):
    bundle, signature, preparation, _ = stepped()
    front = compile_front(preparation, signature)
    plain = {"word": "a", "count": 1.0, "clipped": 0.0, "cut": 1.0, "flag": True}
    rows = [{**plain, "when": text} for text in (*DATES, *NO_DATES)]
    got = asked_front(page, model_json(bundle), rows)
    for row, answer in zip(rows, got, strict=True):
        try:
            wanted = front.rows([[row[field.name] for field in FIELDS]])[0][0].tolist()
        except InvalidRowError:
            assert answer == "notADate", row
        else:
            assert not isinstance(answer, str), row
            assert np.array_equal(numbers_of(answer[0]), wanted, equal_nan=True), row


@pytest.mark.parametrize(
    "settings",
    [
        {"tokens": Tokens(longest=2, stop_words=("the",)), "norm": "l2", "sublinear": True},
        {"tokens": Tokens(pattern=r"\w+", accents="unicode"), "binary": True},
        {"tokens": Tokens(analyzer="char", shortest=2, longest=3, accents="ascii"), "norm": "l1"},
        {"tokens": Tokens(analyzer="char_wb", shortest=3, longest=4, lower=False)},
        {"buckets": 16, "norm": "l2"},
        {"buckets": 1 << 20, "signed": False, "kept": True},
    ],
)
def test_terms_are_counted_in_the_page_as_in_golive(settings, page):
    texts = [*_ODD_TEXTS, "The cat and the hat", "a", "", "naïve CAFÉ ﬁne", "x" * 70, "ก็ดี ảo̧ q̣̇", "the the the cat"]
    rng = np.random.default_rng(2)
    terms = ("the cat", "cat", "and", "hat", "naive", "café", " th", "he ", "at", "th", "ไ", "中文分词", "strasse")
    width = 3
    kept = np.sort(rng.choice(1 << 20, 4000, replace=False)).astype("<i8") if settings.get("kept") else np.empty(0)
    buckets = settings.get("buckets", 0)
    rows = len(kept) or buckets or len(terms)
    step = TextTerms(
        column="text",
        into=tuple(f"t{number}" for number in range(width)),
        terms=() if buckets else terms,
        idf=b"" if buckets else rng.random(len(terms)).astype("<f8").tobytes(),
        weights=rng.normal(size=(rows, width)).astype("<f8").tobytes(),
        **{**settings, "kept": kept.astype("<i8").tobytes()},
    )
    signature = Signature(inputs=(Field(name="text", dtype="string", nullable=True),), task="regression", target="y")
    preparation = Preparation(steps=(step,), numbers=step.into)
    bundle = Bundle(
        digest="sha256:0", manifest=Manifest(name="t", signature=signature, preparation=preparation), files=()
    )
    wanted = [compile_front(preparation, signature).rows([[text]])[0][0] for text in (*texts, None)]
    got = asked_front(page, model_json(bundle), [{"text": text} for text in (*texts, None)])
    for text, here, there in zip((*texts, None), got, wanted, strict=True):
        assert numbers_of(here[0]) == pytest.approx(there.tolist(), rel=1e-13, abs=1e-15, nan_ok=True), text


@pytest.mark.parametrize(
    ("classes", "dtype", "threshold", "answer", "label"),
    [
        (("no", "yes"), "string", 0.5, [0.5, 0.5], "no"),
        (("no", "yes"), "string", 0.3, [0.6, 0.4], "yes"),
        (("0", "1"), "int64", 0.9, [0.2, 0.8], 0),
        (("0.5", "1.0"), "float64", 0.5, [0.2, 0.8], 1.0),
        (("false", "true"), "bool", 0.5, [0.2, 0.8], True),
        (("a", "b", "c"), "string", 0.5, [0.2, 0.4, 0.4], "b"),
        ((), "string", 0.5, [7.25], 7.25),
    ],
)
def test_an_answer_becomes_the_label_that_golive_writes(classes, dtype, threshold, answer, label, page):
    model = {"classes": classes, "class_dtype": dtype, "threshold": threshold}
    script = f"import('./page/decision.js').then(({{decided}}) => decided({json.dumps(model)}, {json.dumps(answer)}))"
    assert page.evaluate(script) == label


def test_an_answer_follows_every_change_of_the_form(browser, ort, tmp_path):
    with served(export(*keep(tmp_path / "store", task="classification"), tmp_path, ort)) as address:
        tab = opened(browser, address)
        big = "document.querySelector('#result .big').textContent"
        assert tab.evaluate(big) == "yes"
        put(tab, 0, "-1000")
        tab.wait(f"{big} === 'no'")
        put(tab, 0, "")
        tab.wait("document.getElementById('answer').dataset.state === 'refused'")
        assert "area is missing" in tab.evaluate("document.getElementById('f0-trouble').textContent")
        assert tab.evaluate("document.getElementById('f0').hasAttribute('aria-invalid')")
        tab.evaluate("document.getElementById('another').click()")
        tab.wait(ANSWERED)
        assert tab.evaluate("document.getElementById('f0').value") != ""
        assert not tab.evaluate("document.getElementById('f0').hasAttribute('aria-invalid')")


def test_a_field_of_many_is_found_by_its_name(browser, ort, tmp_path):
    with served(exported(*kind_of("forest"), tmp_path, ort)) as address:
        tab = opened(browser, address)
        in_sight = "[...document.querySelectorAll('.field:not([hidden]) label')].map(label => label.textContent)"
        assert len(tab.evaluate(in_sight)) == 30
        tab.evaluate(
            "Object.assign(document.getElementById('find'), {value: 'TEXTURE'}).dispatchEvent(new Event('input'))"
        )
        assert tab.evaluate(in_sight) == ["mean texture", "texture error", "worst texture"]


def test_a_drawn_digit_is_read(browser, ort, tmp_path):
    x, y = load_digits(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    with served(exported(model, x, y, tmp_path, ort)) as address:
        tab = opened(browser, address)
        box = tab.evaluate(
            "(({x, y, width}) => [x, y, width])(document.querySelector('canvas.pad').getBoundingClientRect())"
        )
        left, top, side = box
        at = lambda across, down: (left + across * side, top + down * side)  # noqa: E731
        angles = np.linspace(0, 2 * np.pi, 40)
        tab.drag(*[at(0.5 + 0.22 * np.sin(angle), 0.5 - 0.36 * np.cos(angle)) for angle in angles])
        tab.wait("document.querySelector('#result .big').textContent === '0'")
        cells = json.loads(
            tab.evaluate(
                "JSON.stringify([...document.querySelectorAll('#cells [id^=f][type=number]')].map(f => +f.value))"
            )
        )
        assert len(cells) == 64
        assert set(cells) <= set(range(17))
        assert max(cells) > 8
        tab.evaluate("document.getElementById('erase').click()")
        tab.wait("[...document.querySelectorAll('#cells [type=number]')].every(f => f.value === '0')")


def test_the_page_speaks_the_language_that_is_asked_for_and_that_of_the_browser(browser, ort, tmp_path):
    with served(export(*keep(tmp_path / "store"), tmp_path, ort)) as address:
        english = opened(browser, address, query="lang=en")
        chinese = opened(browser, address, query="lang=zh")
        for tab, lang, word in ((english, "en", "Answer"), (chinese, "zh-CN", "结果")):
            assert tab.evaluate("document.documentElement.lang") == lang
            assert tab.evaluate("document.getElementById('answer-title').textContent") == word
        native = browser.tab()
        native.call("Emulation.setUserAgentOverride", userAgent="test", acceptLanguage="zh-TW,en")
        native.open(address)
        native.wait(ANSWERED)
        assert native.evaluate("document.getElementById('answer-title').textContent") == "结果"
        both = native.evaluate(
            "import('./page/words.js').then(({SENTENCES}) => [Object.keys(SENTENCES.en).sort(), Object.keys(SENTENCES.zh).sort()])"
        )
        assert both[0] == both[1]


def test_the_page_has_two_themes_fits_a_phone_and_names_every_control(browser, ort, tmp_path):
    with served(export(*keep(tmp_path / "store"), tmp_path, ort)) as address:
        tab = opened(browser, address)
        shade = "getComputedStyle(document.body).backgroundColor"
        light = tab.evaluate(shade)
        tab.look(390, 844, dark=True, is_phone=True)
        tab.wait(f"{shade} !== {json.dumps(light)}")
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
        roles = {"textbox", "spinbutton", "slider", "combobox", "checkbox", "button", "link", "Date"}
        nameless = [
            node
            for node in nodes
            if node.get("role", {}).get("value") in roles and not node["ignored"] and not node["name"]["value"]
        ]
        assert nameless == []
        named = {node["name"]["value"] for node in nodes if node.get("name")}
        assert {"area", "rooms", "hood", "garden"} <= named


def test_nothing_is_asked_of_another_host_and_nothing_may_be(browser, ort, tmp_path):
    with served(export(*keep(tmp_path / "store"), tmp_path, ort)) as address:
        browser.events.clear()
        tab = opened(browser, address)
        asked = [
            event["params"]["request"]["url"]
            for event in browser.events
            if event["method"] == "Network.requestWillBeSent"
        ]
        assert any(url.endswith(".wasm") for url in asked)
        assert all(url.startswith((address, "data:")) for url in asked)
        refused = tab.evaluate("fetch('http://127.0.0.1:1/').then(() => 'sent', (error) => error.name)")
        assert refused == "TypeError"
        assert any("Content Security Policy" in json.dumps(event) for event in browser.events)


def test_one_file_answers_without_a_server(browser, ort, tmp_path):
    page = export(*keep(tmp_path / "store"), tmp_path, ort, single="yes")
    assert sorted(path.name for path in page.iterdir()) == ["README.md", "index.html"]
    browser.events.clear()
    found = checked(browser, f"{(page / 'index.html').as_uri()}?check")
    assert (found["flipped"], found["prepared"], found["right"]) == (0, 0, True)
    asked = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert all(url.startswith(("file:", "data:")) for url in asked)


def test_a_page_opened_without_its_server_says_what_it_needs(browser, ort, tmp_path):
    page = export(*keep(tmp_path / "store"), tmp_path, ort)
    tab = browser.tab()
    tab.open((page / "index.html").as_uri())
    tab.wait("document.body.innerText.includes('python -m http.server')")


@pytest.mark.parametrize("graph", ["mlp", "two", "image"])
def test_a_model_of_tensors_takes_and_gives_json(graph, browser, ort, tmp_path):
    content = getattr(tensor_models, graph)()
    manifest = tensor_models.manifest_of("asked", content)
    bundle = BundleStore(tmp_path / "store").write(
        manifest, {"model.onnx": content}, created_at="2026-01-01T00:00:00+00:00"
    )
    with served(export(bundle, {"model.onnx": content}, tmp_path, ort)) as address:
        found = checked(browser, f"{address}/?check")
        assert (found["rows"], found["flipped"], found["right"]) == (3, 0, True)
        tab = browser.tab()
        tab.open(f"{address}/?lang=en")
        tab.wait("document.querySelector('#result pre') !== null")
        tab.evaluate("document.getElementById('t0').value = '[[1, 2], [3]]'")
        tab.evaluate("document.querySelector('#form button').click()")
        tab.wait("document.getElementById('result').textContent.includes('differ in length')")
