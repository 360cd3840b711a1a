"""The examples with networks: their pages are carried out, with torch and Keras as they are installed."""

import json
import shutil
from importlib.util import find_spec

import pytest
from doc_pages import ROOT, Scratch, blocks

pytestmark = pytest.mark.heavy


@pytest.fixture
def scratch(tmp_path):
    place = Scratch(tmp_path)
    place.environ |= {"OMP_NUM_THREADS": "1"}
    yield place
    place.stop_servers()


def carried_out(example, scratch):
    page = ROOT / "examples" / example / "README.md"
    shutil.copy(page.with_name("train.py"), scratch.folder)
    (block,) = [block for block in blocks(page) if not block.runs]
    printed = scratch.bash(scratch._with_ports(block.text), block).splitlines()
    (told,) = [line for line in printed if "never saw" in line]
    (answer,) = [line for line in printed if line.startswith('{"predictions"')]
    return told, json.loads(answer)


def needed(*libraries):
    for library in libraries:
        if find_spec(library) is None:
            pytest.skip(f"{library} is not installed (pip install 'golive[torch,keras]')")


def test_the_digits_are_trained_served_and_asked(scratch):
    needed("torch")
    told, answer = carried_out("digits_torch", scratch)
    assert float(told.split("accuracy of ")[1][:5]) > 0.95
    assert answer["predictions"] == [0]
    assert len(answer["probabilities"][0]) == 10


def test_the_houses_are_priced_by_a_keras_network(scratch):
    needed("torch", "keras")
    told, answer = carried_out("keras_tabular", scratch)
    assert int(told.split("explains ")[1].partition("%")[0]) > 55
    (price,) = answer["predictions"]
    assert 100_000 < price < 600_000


def test_the_network_of_the_packaging_page_answers_like_itself(scratch):
    needed("torch")
    page = ROOT / "docs" / "packaging.md"
    (block,) = [block for block in blocks(page) if block.file == "networks.py"]
    scratch.carry_out(block)
    scratch.bash("python networks.py", block)
