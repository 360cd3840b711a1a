"""The evaluation report in a real headless Chromium: complete without a network, on a phone, in the dark, on paper."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from chromium import Tab, chromium, found

from golive.domain.bundle import Lineage, Manifest
from golive.domain.digest import digest_of
from golive.domain.evidence import Measure
from golive.domain.finding import Finding
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.evaluation.pages.report import render
from golive.evaluation.run import baseline_predictions, evaluate

pytestmark = pytest.mark.heavy
LONG = "a_column_whose_name_has_no_blank_to_break_it_at_and_goes_on_and_on_and_on"
LOADED = "document.readyState === 'complete' && document.querySelectorAll('svg').length > 3"


def page(lang: str) -> str:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 600)
    predicted = rng.dirichlet(np.ones(3), 600) * 0.3 + np.eye(3)[truth] * 0.7
    classes = ("setosa", "维吉尼亚鸢尾", LONG)
    evidence = evaluate(
        bundle=digest_of(b"bundle"),
        task="classification",
        classes=classes,
        truth=truth,
        predicted=predicted,
        baseline=baseline_predictions("classification", truth, classes, 600),
        champion=predicted[::-1],
        champion_digest=digest_of(b"champion"),
        data_digest=None,
        measured_at="2026-01-01T00:00:00Z",
        code="0.5.0",
        size_bytes=1000,
        threshold=0.5,
        extra_measures=(Measure(name=f"fairness.{LONG}.selection_ratio", value=0.5),),
    )
    finding = Finding(kind="shift", severity="warn", code="unheard-of", text=f"'{LONG}' moved", columns=(LONG,))
    fields = (Field(name=LONG, dtype="string", categories=(LONG, LONG[::-1])), Field(name="b", dtype="float64"))
    signature = Signature(inputs=fields, task="classification", target=LONG, classes=classes)
    lineage = Lineage(data={LONG: digest_of(b"d")}, rows=9, code="0.5.0", environment={}, seed=1, model=LONG)
    return render(
        manifest=Manifest(name="flower", signature=signature, preparation=Preparation(), lineage=lineage),
        digest=evidence.bundle,
        evidence=msgspec.structs.replace(evidence, findings=(finding,)),
        verdict=None,
        data_report=None,
        lang=lang,
    )


@pytest.fixture(scope="module", name="tab", params=["en", "zh"])
def fixture_tab(request, tmp_path_factory) -> Iterator[Tab]:
    program = found()
    if program is None:
        pytest.skip("no Chromium is installed (.ci/install-heavy brings it), so no page can be opened")
    written = tmp_path_factory.mktemp("report") / "report.html"
    written.write_text(page(request.param), encoding="utf-8")
    with chromium(program, tmp_path_factory.mktemp("profile")) as browser:
        tab = browser.tab()
        tab.open(written.as_uri())
        tab.wait(LOADED)
        yield tab


@pytest.mark.parametrize("width", [360, 390, 820, 1440])
def test_no_width_makes_the_page_scroll_sideways(tab, width):
    tab.look(width, 800, is_phone=width < 500)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_asks_the_network_for_nothing(tab):
    assert tab.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)") == []


def test_every_text_of_a_plot_stays_inside_it(tab):
    tab.look(1200, 800)
    outside = """[...document.querySelectorAll('svg text')].filter(text => {
        const [inner, outer] = [text.getBoundingClientRect(), text.closest('svg').getBoundingClientRect()];
        return inner.left < outer.left - 1 || inner.right > outer.right + 1
            || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
    }).map(text => text.textContent)"""
    assert tab.evaluate(outside) == []


def test_the_colors_follow_the_reader_and_paper_is_light(tab):
    ground = "getComputedStyle(document.body).backgroundColor"
    tab.look(1200, 800, dark=True)
    dark = tab.evaluate(ground)
    tab.look(1200, 800)
    light = tab.evaluate(ground)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(21, 24, 27)")
    tab.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert tab.evaluate(ground) == light
    assert tab.evaluate("getComputedStyle(document.querySelector('.sign-off')).display") == "block"
    assert tab.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    tab.call("Emulation.setEmulatedMedia", media="")
