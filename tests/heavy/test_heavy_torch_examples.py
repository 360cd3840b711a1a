"""The examples with networks: their pages are carried out, with torch and Keras as they are installed."""

import json
import re
import shutil
import subprocess
from importlib.util import find_spec

import pytest
from chromium import chromium, found, served
from doc_pages import ROOT, Scratch, blocks

pytestmark = pytest.mark.heavy


@pytest.fixture
def scratch(tmp_path):
    yield from scratch_in(tmp_path)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The example carried out once: its folder, what it printed, and the served answer."""
    needed("torch")
    for place in scratch_in(tmp_path_factory.mktemp("digits")):
        yield place, *carried_out("digits_torch", place)


def scratch_in(folder):
    place = Scratch(folder)
    place.environ |= {"OMP_NUM_THREADS": "1"}
    yield place
    place.stop_servers()


def carried_out(example, scratch):
    """Carry the first script of an example's page out; give what it printed, by line, and the served answer."""
    page = ROOT / "examples" / example / "README.md"
    for program in page.parent.glob("*.py"):
        shutil.copy(program, scratch.folder)
    block = next(block for block in blocks(page) if not block.runs)
    printed = scratch.bash(scratch._with_ports(block.text), block).splitlines()
    (answer,) = [line for line in printed if line.startswith('{"predictions"')]
    return printed, json.loads(answer)


def told(printed, pattern):
    """Give the numbers that the lines with a pattern tell."""
    return [float(hit[1]) for line in printed if (hit := re.search(pattern, line))]


def needed(*libraries):
    for library in libraries:
        if find_spec(library) is None:
            pytest.skip(f"{library} is not installed (pip install 'golive[torch,keras]')")


def test_the_digits_are_trained_made_smaller_and_served(digits):
    _, printed, answer = digits
    whole, smaller = told(printed, r"has an accuracy of ([\d.]+) on 297 images it never saw")
    assert whole > 0.96
    assert smaller > whole - 0.015
    (size,) = told(printed, r"^<golive bundle digits .*: ([\d.]+)x smaller")
    assert size >= 3
    candidates = [line[:38].strip() for line in printed if " kB " in line]
    for name in ("float32, int8 weights", "int8 static", "pruned 50 %, fine-tuned", "distilled: network 32-16"):
        assert name in candidates
    assert "pass" in printed
    assert answer["predictions"] == [0]
    assert len(answer["probabilities"][0]) == 10


def test_the_smaller_network_answers_alike_in_a_browser(digits, tmp_path):
    place, _, _ = digits
    program = found()
    if program is None:
        pytest.skip("no Chromium is installed (.ci/install-heavy brings it), so no page can be opened")
    (command,) = re.findall(r"`(golive export [^`]+)`", (ROOT / "examples/digits_torch/README.md").read_text("utf-8"))
    done = subprocess.run(
        ["bash", "-c", command], cwd=place.folder, env=place.environ, capture_output=True, text=True, check=False
    )
    if "could not be fetched" in done.stderr:
        pytest.skip("ONNX Runtime for browsers cannot be fetched here (registry.npmjs.org)")
    assert done.returncode == 0, done.stderr
    assert (place.folder / "page" / "model.onnx").stat().st_size < 30_000
    with served(place.folder / "page") as address, chromium(program, tmp_path) as browser:
        tab = browser.tab()
        tab.open(f"{address}/?check")
        tab.wait("['done', 'failed'].includes(document.getElementById('check')?.dataset.state)")
        check = tab.evaluate("({...document.getElementById('check').dataset})")
    assert check["state"] == "done"
    assert (check["right"], check["flipped"]) == ("true", "0")
    assert float(check["largest"]) < 1e-4


def test_the_houses_are_priced_by_a_keras_network(scratch):
    needed("torch", "keras")
    printed, answer = carried_out("keras_tabular", scratch)
    (line,) = [line for line in printed if "never saw" in line]
    assert int(line.split("explains ")[1].partition("%")[0]) > 55
    (price,) = answer["predictions"]
    assert 100_000 < price < 600_000


def test_the_network_of_the_packaging_page_answers_like_itself(scratch):
    needed("torch")
    page = ROOT / "docs" / "packaging.md"
    (block,) = [block for block in blocks(page) if block.file == "networks.py"]
    scratch.carry_out(block)
    scratch.bash("python networks.py", block)
