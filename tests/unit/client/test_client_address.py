"""Urls, keys, and what importing the client costs."""

import subprocess
import sys

import pytest

import golive
from golive.errors import UsageError


@pytest.mark.parametrize("kind", [golive.Client, golive.AsyncClient])
@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8080",
        "ftp://a",
        "http://",
        "http://a:0",
        "http://a:x",
        "http://a?b=1",
        "http://a#b",
        "http://[::1",
    ],
)
def test_what_is_no_url_of_a_server_is_refused(kind, url):
    with pytest.raises(UsageError, match="is not the url of a server"):
        kind(url)


@pytest.mark.parametrize("key", ["a b", "a\r\nx: y", "kö", "\x00"])
def test_a_key_that_no_header_carries_is_refused_unquoted(key):
    with pytest.raises(UsageError) as caught:
        golive.Client("http://a", api_key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("kind", [golive.Client, golive.AsyncClient])
def test_secrets_are_neither_shown_nor_quoted(kind):
    shown = repr(kind("https://there:8443/base/", api_key="secret"))
    assert shown.endswith("client of https://there:8443/base>")
    for url in ("https://you:pass@there", "ftp://you:pass@there", "http://you:pa ss@there"):
        with pytest.raises(UsageError) as caught:
            kind(url)
        assert "pa" not in str(caught.value).replace("password", "")


def test_importing_golive_imports_no_http_client():
    code = (
        "import sys, golive; print([name for name in ('httptools', 'numpy', 'golive.client') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_client_brings_no_data_frame_library_and_no_server():
    code = (
        "import sys, golive; golive.Client, golive.AsyncClient; heavy = ('pandas', 'uvicorn', 'starlette', "
        "'httpx', 'onnxruntime', 'sqlalchemy'); print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
