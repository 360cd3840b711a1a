"""golive.yaml names a certificate and its key, both of them and both there."""

import pytest

from golive.control.project.read import project_of
from golive.errors import ProjectError

YAML = "name: houses\ndata: {file: a.csv}\ntarget: y\ntask: regression\nserving: {%s}\n"


@pytest.fixture
def folder(tmp_path):
    for name in ("a.csv", "chain.pem", "key.pem"):
        (tmp_path / name).write_text("x")
    return tmp_path


def test_both_files_are_taken(folder):
    project = project_of((YAML % "tls_cert: chain.pem, tls_key: key.pem").encode(), folder=folder)
    assert (project.serving.tls_cert, project.serving.tls_key) == ("chain.pem", "key.pem")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("tls_cert: chain.pem", "tls_key is missing, expected both"),
        ("tls_key: key.pem", "tls_cert is missing, expected both"),
        ("tls_cert: chain.pem, tls_key: none.pem", "serving.tls_key: there is no file"),
    ],
)
def test_half_of_them_or_a_missing_one_is_a_mistake_with_its_line(folder, written, words):
    with pytest.raises(ProjectError, match=words) as caught:
        project_of((YAML % written).encode(), folder=folder)
    assert "golive.yaml:5:" in str(caught.value)
