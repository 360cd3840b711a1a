"""``predict.pyz`` in a fresh virtual environment with nothing but its own requirements."""

import json
import subprocess
import sys
import venv

import pytest
from priced import ROWS, keep, road_of, values

from golive import plugins

pytestmark = pytest.mark.heavy


def test_a_fresh_environment_with_the_requirements_gives_the_numbers_of_the_bundle(tmp_path):
    bundle, files = keep(tmp_path / "store")
    out = tmp_path / "out"
    out.mkdir()
    plugins.load("exports", "script").write(bundle, files, out, {})
    venv.create(tmp_path / "fresh", with_pip=True)
    python = tmp_path / "fresh" / "bin" / "python"
    assert sys.prefix != str(tmp_path / "fresh")
    install = [python, "-m", "pip", "install", "--quiet", "--requirement", out / "requirements.txt"]
    subprocess.run(install, check=True, timeout=600, capture_output=True)
    assert subprocess.run([python, "-I", "-c", "import golive"], check=False, capture_output=True).returncode == 1
    (out / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    done = subprocess.run(
        [python, "-I", out / "predict.pyz", out / "rows.jsonl"], check=True, capture_output=True, text=True, timeout=120
    )
    answers = [json.loads(line)["predicted_price"] for line in done.stdout.splitlines()]
    assert answers == road_of(bundle, files).rows(values(ROWS))[:, 0].tolist()
