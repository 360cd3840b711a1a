"""Projects that several pages start from, trained once."""

import subprocess
import sys

import pytest
from doc_pages import ROOT, Scratch, in_one_process


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Give a function: the folder of an example, built but not live; each is built once."""
    folders = {}

    def folder_of(example):
        if example not in folders:
            folder = tmp_path_factory.mktemp("built") / example.rpartition("/")[2]
            folder.mkdir()
            text = (ROOT / example / "golive.yaml").read_text("utf-8")
            (folder / "golive.yaml").write_text(in_one_process(text), "utf-8")
            done = subprocess.run(
                [sys.executable, "-m", "golive", "up", str(folder), "--no-serve"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            folders[example] = folder
        return folders[example]

    return folder_of


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Give a scratch folder for one page; its servers end with the test."""
    place = Scratch(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, value in place.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield place
    place.stop_servers()
