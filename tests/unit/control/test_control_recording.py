"""The recording process forgets records that are older than golive.yaml says."""

from datetime import UTC, datetime

from golive.control.home import Home
from golive.control.live import order_for
from golive.control.project_file import Monitoring, Project
from golive.control.recording import Desk
from golive.control.rooms import open_rooms
from golive.settings import Settings
from golive.training.recipe import Source

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_days_over_the_age_go_and_younger_ones_stay(tmp_path):
    home = Home(tmp_path)
    for day in ("2026-03-01", "2026-03-06", "2026-03-07", "2026-03-10"):
        (home.records / "houses" / "v1" / day).mkdir(parents=True)
    Desk(home).forget(3, NOW)
    assert sorted(path.name for path in (home.records / "houses" / "v1").iterdir()) == ["2026-03-07", "2026-03-10"]


def test_what_cannot_be_removed_ends_nothing(tmp_path, capsys):
    home = Home(tmp_path)
    (home.records / "houses" / "v1").mkdir(parents=True)
    (home.records / "houses" / "v1" / "2026-03-01").write_text("a file where a folder should be", "utf-8")
    Desk(home).forget(3, NOW)
    assert "records older than 3 days could not be removed" in capsys.readouterr().err


def test_the_age_is_that_of_golive_yaml(tmp_path):
    project = Project(
        name="houses", data=Source(file="a.csv"), target="y", task="regression", monitoring=Monitoring(keep_days=7)
    )
    assert order_for(project, open_rooms(tmp_path, Settings())).keep_days == 7
