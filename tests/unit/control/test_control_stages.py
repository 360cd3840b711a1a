"""A stage's result is made once, appears whole, and survives neither a failure nor a killed process half-made."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from golive.control.stages import kept, key_of, source_digest
from golive.domain.digest import digest_of
from golive.errors import DataError, UnavailableError
from golive.store.files import sweep

KEY = digest_of(b"what went in")
NO_ROWS = "the table has no rows; bring some"


def made_by(text: str):
    return lambda folder: (folder / "result.txt").write_text(text, "utf-8") and None


def test_a_result_is_made_once_and_then_reused(tmp_path):
    first, reused, _ = kept(tmp_path / "cache", "train", KEY, made_by("one"))
    second, reused_again, _ = kept(tmp_path / "cache", "train", KEY, made_by("two"))
    assert (reused, reused_again, first) == (False, True, second)
    assert (first / "result.txt").read_text("utf-8") == "one"


def test_another_key_or_another_stage_has_its_own_result(tmp_path):
    folders = {
        kept(tmp_path, name, key, made_by(name))[0]
        for name in ("train", "package")
        for key in (KEY, digest_of(b"other"))
    }
    assert len(folders) == 4


def test_a_failed_stage_leaves_nothing_and_is_tried_again(tmp_path):
    def fails(folder: Path) -> None:
        (folder / "half.txt").write_text("half", "utf-8")
        raise DataError(NO_ROWS)

    with pytest.raises(DataError, match=NO_ROWS):
        kept(tmp_path, "train", KEY, fails)
    assert [path.name for path in tmp_path.iterdir()] == ["train.lock"]
    assert kept(tmp_path, "train", KEY, made_by("whole"))[1] is False


def test_a_full_disk_is_answered_with_what_to_do(tmp_path):
    def fills_up(folder: Path) -> None:
        del folder
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(
        UnavailableError, match=r"could not be written \(No space left on device\); free some disk space"
    ):
        kept(tmp_path, "train", KEY, fills_up)


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path):
    (tmp_path / ".unfinished-train-0123").mkdir()
    (tmp_path / ".unfinished-train-0123" / "half.txt").write_text("half", "utf-8")
    folder, _, _ = kept(tmp_path, "train", KEY, made_by("whole"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([folder.name, "train.lock"])


def test_two_that_want_one_result_make_it_once(tmp_path):
    made = []
    together = threading.Barrier(2)

    def want() -> None:
        together.wait()
        kept(tmp_path, "train", KEY, made.append)

    threads = [threading.Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_the_results_used_last_stay_and_older_ones_go(tmp_path):
    keys = [digest_of(str(number).encode()) for number in range(7)]
    first, *others = [kept(tmp_path, "train", key, made_by("one"))[0] for key in keys[:5]]
    other_stage = kept(tmp_path, "package", KEY, made_by("one"))[0]
    for at, folder in enumerate((first, *others)):
        os.utime(folder, (at + 1, at + 1))
    assert kept(tmp_path, "train", keys[0], made_by("again"))[1] is True
    newer = [kept(tmp_path, "train", key, made_by("one"))[0] for key in keys[5:]]
    assert set(tmp_path.glob("train-*")) == {first, *others[2:], *newer}
    assert other_stage.is_dir()
    assert not list(tmp_path.glob(".unfinished-*"))


def test_a_key_names_all_parts_and_not_their_order():
    assert key_of(a=1, b=(2, 3)) == key_of(b=(2, 3), a=1) != key_of(a=1, b=(2, 4))


def test_the_digest_of_code_is_that_of_the_named_rooms():
    assert source_digest("training") == source_digest("training") != source_digest("training", "packaging")
    assert source_digest("judge.py") != source_digest("errors.py")
    with pytest.raises(ValueError, match="no code at"):
        source_digest("judge.py", "no_such_room")


def test_a_sweep_takes_what_dead_processes_left_and_lets_living_ones_be(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left = tmp_path / f".unfinished-{int(dead.stdout)}-abcd"
    mine = tmp_path / f".unfinished-{os.getpid()}-abcd"
    for path in (left, mine):
        path.write_text("half", "utf-8")
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [mine]
