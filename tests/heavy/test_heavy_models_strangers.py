"""Models that other people trained and packed: what comes of each is what docs/models.md says."""

import json
from pathlib import Path

import pytest
from benchmarks.models import strangers

pytestmark = pytest.mark.heavy

RESULT = Path(__file__).parents[2] / "benchmarks" / "results" / "models.json"


def test_every_stranger_s_model_comes_out_as_the_page_says():
    for library in ("torch", "skops"):
        pytest.importorskip(library, reason=f"{library} is not installed; the extra [heavy] brings it")
    try:
        found = strangers.found()
    except strangers.AbsentError as error:
        pytest.skip(f"a package cannot be had from the index: {error}")
    said = {(one["package"], one["file"], one["outcome"]) for one in json.loads(RESULT.read_text("utf-8"))["strangers"]}
    assert {(one.package, one.file, one.outcome) for one in found} == said
    assert max(one.difference for one in found) < 1e-5
