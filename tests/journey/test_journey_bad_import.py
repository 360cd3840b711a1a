"""Model files of strangers: each is refused with one sentence, in bounded time and memory, and runs nothing."""

import pytest
from hostile_files import REFUSED, TRUSTED, imported, is_refused

from golive.control.rooms import open_rooms
from golive.settings import Settings

MOST_MIB = 1500
"""Of the command's own process. What looks at a file is another one, with a limit of its own."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("strangers"), REFUSED)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory):
    return imported(tmp_path_factory.mktemp("trusted"), TRUSTED, "--trust")


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_file_is_refused_with_one_sentence(name, plain):
    is_refused(plain["files"][name], name, REFUSED[name][1])


@pytest.mark.parametrize("name", TRUSTED)
def test_a_trusted_file_that_cannot_be_loaded_is_refused_with_one_sentence(name, trusted):
    is_refused(trusted["files"][name], name, TRUSTED[name][1])


def test_nothing_of_them_ran_and_nothing_was_written(plain, trusted):
    for told in (plain, trusted):
        assert not (told["folder"] / "marker").exists()
        assert list(open_rooms(settings=Settings(home=told["folder"] / "home")).bundles.list()) == []


def test_the_command_s_memory_stays_bounded(plain, trusted):
    assert max(plain["own_mib"], trusted["own_mib"]) < MOST_MIB
