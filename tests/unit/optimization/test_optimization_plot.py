"""The plot of a search is one SVG that holds every candidate."""

from xml.etree import ElementTree as ET

from golive.optimization.loss import Loss
from golive.optimization.measured import Comparison, Cost
from golive.optimization.plot import plot_svg
from golive.optimization.search import Searched
from golive.optimization.tried import Tried
from golive.ports import Candidate


def one(name, p50_us, size, share, outcome="passed"):
    def cost(time, size_bytes):
        return Cost(p50_us=time, p99_us=time, thousand_ms=1.0, load_ms=1.0, memory_mb=1.0, size_bytes=size_bytes)

    return Tried(
        candidate=Candidate(name=name, graph=b""),
        method="m",
        outcome=outcome,
        reason="because",
        comparison=Comparison(
            original=cost(10.0, 1000),
            candidate=cost(p50_us, size),
            one_row=10.0 / p50_us,
            thousand_rows=1.0,
            alone=0.0,
            alone_flipped=0,
        ),
        loss=Loss(
            metric="accuracy", original=0.9, candidate=0.9, share=share, lower=share - 0.001, upper=share + 0.001
        ),
    )


def circles(svg):
    root = ET.fromstring(svg)
    return [
        (float(circle.get("cx")), float(circle.get("cy")), float(circle.get("r")), circle.get("class"))
        for circle in root.iter("{http://www.w3.org/2000/svg}circle")
    ]


def test_slower_is_to_the_right_a_loss_is_up_and_a_greater_graph_is_a_greater_disc():
    best, other = one("int8 <w>", 5.0, 100, 0.001), one("worse", 20.0, 4000, 0.02, "too-lossy")
    svg = plot_svg("digits", Searched(tried=(best, other), best=best, pareto=(best,), left_out=()), max_loss=0.005)
    original, small, large = circles(svg)
    assert small[0] < original[0] < large[0]
    assert large[1] < small[1] < original[1]
    assert small[2] < original[2] < large[2]
    assert small[3] == "disc passed pareto"
    assert large[3] == "disc other"
    assert "★ int8 &lt;w&gt;" in svg


def test_a_loss_without_end_stays_on_the_page():
    lost = one("lost", 5.0, 100, float("inf"), "too-lossy")
    [_, place] = circles(plot_svg("x", Searched(tried=(lost,), best=None, pareto=(), left_out=()), max_loss=0.0))
    assert 0 < place[1] < 460


def test_a_search_without_candidates_draws_an_empty_page():
    svg = plot_svg("x", Searched(tried=(), best=None, pareto=(), left_out=()), max_loss=0.005)
    assert circles(svg) == []
