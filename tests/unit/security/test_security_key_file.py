"""The key of the environment: a file that is named must hold one, or nothing starts."""

import pytest

from golive.errors import UsageError
from golive.settings import Settings, secret_key


def test_the_file_comes_before_the_variable(tmp_path):
    (tmp_path / "key").write_text("from-the-file\n", "utf-8")
    assert secret_key(Settings(api_key="from-the-variable", api_key_file=tmp_path / "key")) == "from-the-file"
    assert secret_key(Settings(api_key="from-the-variable")) == "from-the-variable"
    assert secret_key(Settings()) == ""


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), (b"", "is empty"), (b"\xff\xfe", "not UTF-8")])
def test_a_file_that_cannot_be_the_key_is_refused_instead_of_leaving_the_server_open(tmp_path, content, said):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        secret_key(Settings(api_key_file=tmp_path / "key"))
