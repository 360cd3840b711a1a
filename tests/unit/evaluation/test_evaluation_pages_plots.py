"""Plots as values: the same one is SVG in a page and a figure in a notebook."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.colors import to_hex

from golive.evaluation.pages import plots
from golive.evaluation.pages.drawing import SHADES, figure, shade, shortened, svg, tick, width_of
from golive.evaluation.pages.plots import Band

LONG = "客户年龄在三十岁以下并且收入很低的女性客户群体"
NAMES = ["income is $low$ & region = <north> and so on", LONG, "age", "@3@nn", "", "e"]
WORDS = {"labels": ("Weg & Zeit", "高度"), "alt": "what it shows <to> those who do not see it", "name": "one"}


def every_plot():
    rng = np.random.default_rng(3)
    x = np.linspace(0, 1, 30)
    values = rng.normal(size=(250, len(NAMES)))
    return {
        "bands": plots.bands([Band(x, x**2, x**2 - 0.1, x**2 + 0.1), Band(x, x)], reference=([0, 1], [0, 1]), **WORDS),
        "factors": plots.bands([Band([1, 10, 1000], [0.2, 0.3, 4.0])], logarithmic=True, **WORDS),
        "unit": plots.bands([Band(x, x)], unit=True, **WORDS),
        "intervals": plots.intervals(NAMES, np.arange(6.0), [np.nan] * 6, np.arange(6.0) + 1, reference=2.0, **WORDS),
        "swarm": plots.swarm(NAMES, values.T, np.where(values > 2, np.nan, rng.random(values.shape)).T, **WORDS),
        "waterfall": plots.waterfall(NAMES, [3.0, -1.0, 0.5, 0.0, -2e4, 1.0], base=10.0, total=14.0, **WORDS),
        "matrix": plots.matrix(np.eye(6) * 9, NAMES, **WORDS),
        "scatter": plots.scatter(values[:, 0], values[:, 1], diagonal=True, **WORDS),
        "bars": plots.bars(np.arange(5.0), **WORDS),
        "lines": plots.lines([(x, x)], reference=None, **WORDS),
        "histograms": plots.two_histograms([3, 4, 5], [0, 2, 9], **WORDS),
        "calibration": plots.calibration(x, x, x - 0.1, x + 0.1, **WORDS),
    }


PLOTS = every_plot()


@pytest.mark.parametrize("kind", PLOTS)
def test_a_plot_is_sound_svg_whose_colors_are_the_pages_own(kind):
    text = svg(PLOTS[kind])
    root = ET.fromstring(text.replace("xlink:href", "href"))
    assert root.attrib["aria-label"] == WORDS["alt"]
    assert root.attrib["role"] == "img"
    assert re.findall(r"#[0-9a-f]{6}\b", text) == []
    assert "font-family" not in text
    assert {"Weg & Zeit", "高度"} <= {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert svg(PLOTS[kind]) == text


@pytest.mark.parametrize("kind", PLOTS)
def test_the_same_plot_is_a_figure_in_real_colors(kind):
    drawn = figure(PLOTS[kind], title="A title, 标题")
    axes = drawn.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == WORDS["labels"]
    assert axes.get_title(loc="left") == "A title, 标题"
    used = {to_hex(line.get_color()) for line in axes.get_lines()}
    used |= {to_hex(color) for patch in axes.patches for color in [patch.get_facecolor()]}
    used |= {to_hex(color) for cloud in axes.collections for color in cloud.get_facecolor()}
    assert used
    assert not any(color.startswith(("#0500", "#0600", "#0101", "#0202")) for color in used)


def test_a_notebook_gets_a_picture_of_a_figure():
    assert figure(PLOTS["bars"])._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["intervals", "swarm", "waterfall", "matrix"])
def test_names_of_any_script_are_written_as_they_are_and_long_ones_keep_their_whole_text(kind):
    root = ET.fromstring(svg(PLOTS[kind]).replace("xlink:href", "href"))
    written = list(root.iter("{http://www.w3.org/2000/svg}text"))
    texts = {"".join(element.itertext()) for element in written}
    assert {"age", "@3@nn", "e"} <= texts
    whole = {element[0].text: element.text for element in written if len(element)}
    assert set(whole) == {NAMES[0], LONG}
    assert whole[LONG].endswith("…")
    assert not any("@" in text and "nn" in text and text != "@3@nn" for text in texts)


def test_names_in_a_figure_are_shortened_and_no_formulas():
    labels = [label.get_text() for label in figure(PLOTS["intervals"]).axes[0].get_yticklabels()]
    assert labels[0] == shortened(NAMES[0])
    assert "$low$" in labels[0]
    assert not any(label.get_parse_math() for label in figure(PLOTS["intervals"]).axes[0].get_yticklabels())


def test_room_for_names_is_left_by_what_they_need():
    def left(names):
        text = svg(plots.intervals(names, [1.0], [0.5], [1.5], **WORDS))
        return float(re.search(r'<rect x="([\d.]+)"', text)[1])

    assert left(["a"]) < left(["a" * 20]) < left(["年" * 13])
    assert left(["a" * 26]) == left(["a" * 90])


def test_a_long_text_is_cut_by_its_width():
    assert shortened("a  b\nc") == "a b c"
    assert width_of(shortened(LONG)) <= 26
    assert shortened("x" * 30, 10) == "x" * 9 + "…"


def test_large_clouds_are_thinned_and_say_what_they_share_once():
    rng = np.random.default_rng(0)
    many = rng.normal(size=(12, 20_000))
    text = svg(plots.swarm([f"column {place}" for place in range(12)], many, rng.random(many.shape), **WORDS))
    assert text.count("<use") < 1400
    assert len(text) < 120_000


def test_a_swarm_has_a_cloud_for_each_name_where_its_values_lie():
    drawn = figure(plots.swarm(["a", "b"], [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]], np.zeros((2, 3)), **WORDS)).axes[0]
    clouds = [line for line in drawn.get_lines() if line.get_marker() == "o"]
    assert [cloud.get_xdata().tolist() for cloud in clouds] == [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]
    assert [round(float(np.mean(cloud.get_ydata()))) for cloud in clouds] == [0, 1]


def test_a_shade_lies_between_low_and_high():
    assert shade(-1.0) == shade(0.0) != shade(0.5) != shade(1.0) == shade(7.0)
    assert len({shade(share) for share in np.linspace(0, 1, 100)}) == SHADES
    assert shade(float("nan")) not in {shade(share) for share in np.linspace(0, 1, 100)}


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (-2.0, "−2"), (25_000, "25k"), (-3e6, "−3M")])
def test_numbers_at_an_axis_are_short(value, text):
    assert tick(value) == text


def test_absurd_numbers_are_drawn():
    wild = [1e300, float("inf"), float("nan"), -1e308, 0.0, 1e-300]
    assert "<svg" in svg(plots.bands([Band([1, 2, 3, 4, 5, 6], wild, wild, wild)], **WORDS))
    assert "<svg" in svg(plots.intervals(NAMES, wild, wild, wild, **WORDS))
    assert "<svg" in svg(plots.waterfall(NAMES, wild, base=0.0, total=1.0, **WORDS))
    assert "<svg" in svg(plots.swarm(NAMES, [wild] * 6, [wild] * 6, **WORDS))
    assert "<svg" in svg(plots.swarm([], np.zeros((0, 3)), np.zeros((0, 3)), **WORDS))


def test_a_waterfall_says_where_it_begins_and_where_it_ends():
    text = svg(plots.waterfall(["a", "b"], [3.0, -1.5], base=10.25, total=11.75, ends=("平均", "this row"), **WORDS))
    for part in (">10.25<", ">11.75<", ">平均<", ">this row<", ">+3<", ">−1.5<"):
        assert part in text


def test_some_rows_of_a_plot_of_intervals_may_be_gray():
    shown = figure(plots.intervals(["a", "b"], [1.0, 2.0], [0.0, 1.0], [2.0, 3.0], muted=[False, True], **WORDS))
    dots = [line for line in shown.axes[0].get_lines() if line.get_marker() == "o"]
    assert [(dot.get_xdata().tolist(), to_hex(dot.get_color())) for dot in dots] == [
        ([1.0], "#2f6db5"),
        ([2.0], "#626b74"),
    ]


def test_numbers_at_an_axis_keep_all_their_digits():
    text = svg(plots.bands([Band([0.0, 1.0], [0.72, 0.83])], **WORDS))
    assert {"0.725", "0.775", "0.825"} <= set(re.findall(r">([0-9.]+)<", text))
