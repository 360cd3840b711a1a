"""The local target where no supervisor runs, or one did; the running one is in test_supervisor_live."""

from pathlib import Path

import pytest

from golive import plugins
from golive.control.running.processes import running, stop
from golive.control.running.run_files import RunFile, RunFolder
from golive.domain.serving import Shift
from golive.errors import UnavailableError


def test_it_is_found_by_name_and_bound_to_a_state_folder(tmp_path: Path) -> None:
    target = plugins.load("targets", "local")
    assert (target.name, target.at(tmp_path).name) == ("local", "local")


def test_without_a_server_it_says_what_starts_one(tmp_path: Path) -> None:
    target = plugins.load("targets", "local").at(tmp_path)
    with pytest.raises(UnavailableError, match=r"no server runs for .*; `golive up` starts one"):
        target.observe()
    with pytest.raises(UnavailableError, match="no server runs for"):
        target.apply(Shift(()))


def test_what_a_killed_server_left_behind_deceives_nobody(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.make()
    run.write(RunFile(pid=1, url="http://h:1", admin="/a.sock", admin_url="http://h:2", started_at="2026-01-01"))
    assert running(tmp_path) is None
    assert stop(tmp_path, timeout_s=1) is False
    with pytest.raises(UnavailableError, match="no server runs for"):
        plugins.load("targets", "local").at(tmp_path).observe()
