"""The report as a document: contents, headings, colors, sign-off, and every plot for a notebook."""

import functools
import itertools
import re
from importlib.resources import files

import msgspec
import numpy as np
import pytest
from matplotlib.colors import to_hex

from golive.domain.bundle import Lineage, Manifest
from golive.domain.digest import digest_of, digest_of_value
from golive.domain.evidence import Evidence, Measure
from golive.domain.finding import Finding
from golive.domain.policy import Reason, Verdict
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.evaluation.pages.drawing import figure, svg
from golive.evaluation.pages.notebook import figure_of, plots_of
from golive.evaluation.pages.report import render

LEAST_CONTRAST_OF_TEXT, LEAST_CONTRAST_OF_LINES = 4.5, 3.0


def curve(points):
    x = np.linspace(0, 1, points)
    return {"x": x.tolist(), "y": (x**0.3).tolist(), "lower": (x**0.4).tolist(), "upper": (x**0.2).tolist()}


def classified(points=60):
    at = np.linspace(0, 1, points)
    part = {"label": "yes", "share": 0.3, "auc": 0.8, "roc": curve(points), "precision_recall": curve(points)}
    row = {"label": "yes", "precision": 0.7, "recall": 0.6, "f1": 0.65, "auc": 0.8, "pr_auc": None, "rows": 40}
    mean = {"mean": [0.7, 0.75, None], "lower": [0.6, 0.7, 0.72], "upper": [0.8, 0.8, 0.85]}
    return {
        "task": "classification",
        "classes": ["no", "yes"],
        "threshold": 0.4,
        "confusion": [[50, 10], [15, 25]],
        "per_class": [row | {"intervals": {"recall": [0.5, 0.7], "precision": None}}, row | {"label": "no"}],
        "averages": {"macro": {"precision": 0.7, "recall": 0.6, "f1": 0.65}},
        "curves": [part, part | {"label": "no"}],
        "calibration": [{"stated": 0.2, "observed": 0.3, "lower": 0.1, "upper": 0.4}],
        "scores": [{"label": "yes", "positive": [1, 2, 9], "other": [8, 1, 0]}],
        "worst": [{"row": 7, "truth": "yes", "probability": 0.01}],
        "thresholds": {
            "threshold": at.tolist(),
            "cost": ((at - 0.5) ** 2).tolist(),
            "lower": ((at - 0.5) ** 2 - 0.1).tolist(),
            "upper": ((at - 0.5) ** 2 + 0.1).tolist(),
            "precision": [None, *at[1:].tolist()],
            "recall": at[::-1].tolist(),
            "selected": at[::-1].tolist(),
            "chosen": 0.4,
            "best": 0.5,
            "saving": {"value": 0.011, "lower": 0.01, "upper": 0.03},
            "costs": {"false_positive": 1.0, "false_negative": 5.0},
            "unit": "EUR",
            "declared": True,
        },
        "learning_curve": {"rows": [100, 400, 3000], "metric": "auc", "test": mean, "train": mean},
        "latency": {"batch": [1, 100], "rows_per_s": [9e3, 1e6], "p50_ms": [0.1, 0.5], "p99_ms": [0.2, 0.9]},
    }


def regressed(points=1000):
    values = np.random.default_rng(1).normal(size=points)
    deciles = [{"mae": 1.0 + place, "lower": 0.5 + place, "upper": 2.0 + place} for place in range(10)]
    return {
        "task": "regression",
        "scatter": {"truth": values.tolist(), "predicted": values[::-1].tolist()},
        "deciles": deciles,
        "worst": [{"row": 3, "truth": 1.0, "predicted": 9.0}],
    }


def evidence(details, **more):
    measures = (
        Measure(name="auc", value=0.8, lower=0.75, upper=0.85, rows=900, method="DeLong", better="higher"),
        Measure(name="baseline.auc", value=0.5, rows=900),
        Measure(name="auc - baseline.auc", value=0.3, lower=0.25, upper=0.35, rows=900, better="higher"),
        Measure(name="size_mb", value=1.5),
    )
    return Evidence(
        bundle=digest_of(b"bundle"),
        kind="evaluation",
        rows=900,
        measured_at="2026-01-01T00:00:00Z",
        code="0.5.0",
        measures=measures,
        details=details,
        **more,
    )


def page(found, lang="en", verdict=None, columns=1, classes=()):
    inputs = tuple(Field(name=f"column number {place}", dtype="float64") for place in range(columns))
    task = "classification" if classes else "regression"
    signature = Signature(inputs=inputs, task=task, target="price", classes=classes)
    lineage = Lineage(data={}, rows=9, code="0.5.0", environment={}, seed=1, model="m", parameters={})
    manifest = Manifest(name="credit", signature=signature, preparation=Preparation(), lineage=lineage)
    return render(
        manifest=manifest,
        digest=found.bundle,
        evidence=found,
        verdict=verdict,
        data_report=None,
        lang=lang,
    )


FULL = {"classification": evidence(classified()), "regression": evidence(regressed())}
PLAIN = {"task": "regression"}
UNDRAWN = classified() | {"curves": [], "calibration": [], "scores": [], "thresholds": {}, "learning_curve": {}}


@functools.cache
def full(task, lang="en"):
    return page(FULL[task], lang)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("task", FULL)
def test_every_section_is_in_the_contents_and_headings_are_in_order(task, lang):
    text = full(task, lang)
    listed = re.search(r"<nav.*?</nav>", text, flags=re.DOTALL)[0]
    sections = re.findall(r'<section id="([^"]+)"', text)
    assert re.findall(r'href="#([^"]+)"', listed) == sections
    assert sections[:3] == ["verdict", "findings", "numbers"]
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= former + 1 for former, later in itertools.pairwise(levels))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_notebook_has_every_plot_of_the_page_by_name(lang):
    drawn = plots_of(FULL["classification"], lang)
    names = ["confusion", "roc", "precision-recall", "calibration", "thresholds", "tradeoff", "scores-0"]
    assert list(drawn) == [*names, "learning-curve", "latency"]
    text = full("classification", lang)
    assert all(f"<figcaption>{one.caption}" in text for one in drawn.values())
    assert text.count("<svg") == len(drawn) - 1
    assert list(plots_of(FULL["regression"], lang)) == ["predicted", "residuals", "deciles"]


def test_a_figure_of_a_notebook_carries_caption_and_legend():
    drawn = figure_of(plots_of(FULL["classification"], "zh")["roc"])
    assert drawn.axes[0].get_title(loc="left") == "ROC 曲线"
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["yes：面积 0.800", "no：面积 0.800"]
    assert [to_hex(patch.get_facecolor()) for patch in drawn.legends[0].get_patches()] == ["#2f6db5", "#d0742b"]


def test_the_confusion_matrix_is_a_table_in_the_page_and_a_figure_in_a_notebook():
    drawn = plots_of(FULL["classification"])["confusion"]
    assert {text.get_text() for text in figure(drawn.plot).axes[0].texts} == {"50", "10", "15", "25"}
    assert '<th scope="row">yes</th>' in drawn.page


def test_a_cost_curve_says_what_a_threshold_would_save_and_where_to_choose_it():
    about = plots_of(FULL["classification"])["thresholds"].about
    assert "a false negative 5 EUR." in about
    assert "saves 0.011 per row" in about
    assert "on validation rows" in about


def test_a_threshold_that_saves_nothing_for_sure_is_not_said_to_save():
    details = classified()
    details["thresholds"] |= {"saving": {"value": 0.011, "lower": -0.01, "upper": 0.03}, "declared": False}
    about = plots_of(evidence(details))["thresholds"].about
    assert "saves nothing" in about
    assert "Either mistake counts 1" in about


def test_every_class_has_one_row_with_its_intervals_after_the_averages():
    table = re.search(r"<h3>By class</h3>.*?</table>", full("classification"), flags=re.DOTALL)[0]
    assert re.findall(r"<tr><td>([^<]*)</td>", table) == ["mean over classes", "yes", "no"]
    assert "0.600<small>0.500 … 0.700</small>" in table


def test_a_policy_without_rules_is_not_called_passed():
    verdict = Verdict(bundle=digest_of(b"bundle"), outcome="pass", policy=digest_of(b"p"))
    text = page(evidence(PLAIN), verdict=verdict)
    assert "No rules to pass" in text
    assert "Passed the gate" not in text


def test_bands_are_drawn_where_they_were_measured():
    plain = classified()
    for part in plain["curves"]:
        part["roc"] = {key: part["roc"][key] for key in ("x", "y")}
    banded, bare = (plots_of(evidence(details))["roc"] for details in (classified(), plain))
    assert "95 %" in banded.about
    assert bare.about == ""
    assert svg(banded.plot).count("fill-opacity: 0.16") == 2
    assert "fill-opacity: 0.16" not in svg(bare.plot)


def test_the_page_says_which_evidence_it_was_made_from_and_leaves_lines_to_sign():
    text = full("classification")
    assert text.count(digest_of_value(FULL["classification"])) == 2
    assert 'class="sign-off"' in text
    assert re.search(r"\.sign-off \{ display: none; \}", text)
    assert re.search(r"@media print \{.*\.sign-off \{ display: block", text, flags=re.DOTALL)


def test_a_forced_release_is_loud():
    reason = Reason(rule="auc >= 0.9", outcome="fail", text="auc is 0.8", value=0.8, bound=0.9)
    verdict = Verdict(
        bundle=digest_of(b"bundle"), outcome="fail", reasons=(reason,), policy=digest_of(b"p"), forced="tax day"
    )
    text = page(evidence(PLAIN), verdict=verdict)
    assert text.index('class="outcome forced"') < text.index('class="forced-box"') < text.index("<nav")
    assert "tax day" in text
    assert 'class="forced-box"' not in full("classification")


def test_a_rule_about_findings_is_answered_in_chinese_too():
    leak = Finding(kind="leakage", severity="stop", code="unheard-of", text="the id tells")
    rules = {"leakage == none": "fail", "unit == none": "pass", "time == none": "not-enough-data"}
    reasons = tuple(Reason(rule=rule, outcome=outcome, text="…") for rule, outcome in rules.items())
    verdict = Verdict(bundle=digest_of(b"bundle"), outcome="fail", reasons=reasons, policy=digest_of(b"p"))
    text = page(evidence(PLAIN, findings=(leak,)), "zh", verdict)
    assert "<td>the id tells。</td>" in text
    assert "<td>已检查、未发现：单位错误。</td>" in text
    assert "<td>未检查（缺少所需数据或未声明）：时间先后。</td>" in text


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            "the lower end of the 95 % interval is 0.76; the value itself is 0.86; the bound is 0.8 (female against "
            "male)",
        ),
        ("zh", "95% 区间下限为 0.76，实测值 0.86，界限 0.8（female 与 male 相比）"),
    ],
)
def test_a_rule_on_an_end_of_an_interval_says_so_and_between_which_groups(lang, said):
    name = "fairness.sex.selection_ratio"
    ratio = Measure(name=name, value=0.86, lower=0.76, upper=0.97, rows=900, note="female against male")
    found = evidence(PLAIN)
    found = msgspec.structs.replace(found, measures=(*found.measures, ratio))
    reason = Reason(rule=f"{name}.lower >= 0.8", outcome="fail", text="…", value=0.76, bound=0.8)
    verdict = Verdict(bundle=digest_of(b"bundle"), outcome="fail", reasons=(reason,), policy=digest_of(b"p"))
    text = page(found, lang, verdict)
    assert text.count(said) == 2
    assert page(found, lang, msgspec.structs.replace(verdict, reasons=(msgspec.structs.replace(reason, rule="old !"),)))


def test_numbers_of_tensors_say_what_their_baseline_is():
    note = {"code": "tensors_baseline", "text": "…"}
    details = PLAIN | {"notes": [note]}
    assert "The baseline is the best constant answer on these very rows" in page(evidence(details))
    assert "the mean of the training target" in page(evidence(PLAIN))
    assert "training target" not in page(evidence(details))


def test_each_number_carries_its_heading_for_a_narrow_screen():
    text = page(evidence(PLAIN))
    assert all(f'data-head="{head}"' in text for head in ("Model", "Baseline", "Difference to baseline"))


def test_many_classes_show_their_most_frequent_confusions():
    details = UNDRAWN | {
        "classes": [f"c{place}" for place in range(150)],
        "confusion": [],
        "confused": [{"truth": "c1", "decided": "c2", "rows": 12}],
    }
    text = page(evidence(details))
    assert "With 150 classes" in text
    assert "<td>c1</td><td>c2</td>" in text


def test_a_note_that_has_no_phrase_is_said_by_its_own_text():
    text = page(evidence(PLAIN | {"notes": [{"code": "unheard-of", "text": "the moon is <full>"}]}))
    assert "<li>the moon is &lt;full&gt;.</li>" in text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_plot_says_what_it_shows_in_a_sentence(lang):
    for found in FULL.values():
        for name, drawn in plots_of(found, lang).items():
            assert len(drawn.plot.alt) >= 12, name
            assert "{" not in drawn.plot.alt, name
            assert not drawn.plot.alt.startswith("alt."), name


def test_the_largest_plots_stay_small():
    assert len(full("regression").encode()) < 250_000
    assert len(page(evidence(classified(points=2000))).encode()) < 500_000


def test_a_model_of_ten_thousand_columns_and_a_thousand_classes_has_a_page_that_opens():
    classes = tuple(f"class number {place}" for place in range(1000))
    row = {"precision": 0.7, "recall": 0.6, "f1": 0.65, "auc": 0.8, "pr_auc": 0.7, "rows": 40}
    bounds = {"intervals": {name: [0.1, 0.9] for name in ("precision", "recall", "f1", "auc", "pr_auc")}}
    details = UNDRAWN | {
        "classes": list(classes),
        "confusion": [],
        "per_class": [row | bounds | {"label": label} for label in classes],
    }
    found = evidence(details)
    many = tuple(Measure(name=f"importance.column_{place}", value=0.1, method="a") for place in range(10_000))
    text = page(msgspec.structs.replace(found, measures=(*found.measures, *many)), columns=10_000, classes=classes)
    assert len(text.encode()) < 1_000_000
    assert "9,700 more are not shown" in text
    assert "703 more are not shown" not in text
    assert "701 more are not shown" in text
    assert "and 900 more" in text


def luminance(color):
    parts = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, two):
    dark, light = sorted((luminance(one), luminance(two)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_texts_and_lines_stand_out_from_what_they_stand_on(theme):
    style = files("golive.evaluation.pages").joinpath("report.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)[theme]
    colors = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block))
    texts = [(text, ground) for text in ("ink", "muted", "good", "bad", "unsure") for ground in ("paper", "band")]
    texts += [(text, f"{text}-soft") for text in ("good", "bad", "unsure")]
    texts += [("muted", f"{text}-soft") for text in ("good", "bad", "unsure")] + [("paper", "bad")]
    weak = [pair for pair in texts if contrast(*(colors[name] for name in pair)) < LEAST_CONTRAST_OF_TEXT]
    lines = [name for name in colors if re.fullmatch(r"[cs]\d", name)]
    weak += [name for name in lines if contrast(colors[name], colors["paper"]) < LEAST_CONTRAST_OF_LINES]
    assert len(lines) == 15
    assert weak == []
