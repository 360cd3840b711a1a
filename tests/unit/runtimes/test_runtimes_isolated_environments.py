"""Which interpreter runs an isolated model: this one where it has the very versions, else one made for them."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from golive.adapters.runtimes.isolated.environments import interpreter, running_python
from golive.errors import UnavailableError


def test_the_running_interpreter_serves_where_it_has_the_very_versions(tmp_path):
    wanted = (f"numpy=={version('numpy')}", f"joblib=={version('joblib')}")
    assert interpreter(wanted, running_python(), tmp_path / "none") == Path(sys.executable)
    assert not (tmp_path / "none").exists()


def test_a_python_that_is_not_here_is_named(tmp_path):
    with pytest.raises(UnavailableError, match=r"needs Python 2\.0, and there is no python2\.0 here; install it"):
        interpreter((), "2.0", tmp_path)


def test_an_environment_that_takes_too_long_is_given_up_and_not_taken_for_whole(tmp_path):
    with pytest.raises(UnavailableError, match=r"could not be made within 0\.01 s; try again"):
        interpreter(("numpy==0.0.1",), running_python(), tmp_path, limit_s=0.01)
    assert not list(tmp_path.glob("*/whole"))
