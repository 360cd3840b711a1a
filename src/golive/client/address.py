"""Address: a caller's url and key in, checked, out."""

from urllib.parse import urlsplit

import msgspec

from golive.errors import UsageError

_PORTS = {"http": 80, "https": 443}


class Address(msgspec.Struct, frozen=True):
    """Where a server is."""

    scheme: str
    host: str
    port: int
    base: str
    """What stands before every path; empty, or with a slash at its start only."""
    host_header: str
    """Host and port as the url has them."""

    def __str__(self) -> str:
        """Write it as a url."""
        return f"{self.scheme}://{self.host_header}{self.base}"


def address_of(url: str) -> Address:
    """Read the url of a server.

    Raises:
        UsageError: it is no http or https url, or has a name and a password in it, which are not quoted.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UsageError(_no_address(url)) from None
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.scheme not in _PORTS or not host or port == 0 or parts.query or parts.fragment:
        raise UsageError(_no_address(url))
    if "@" in parts.netloc:
        message = f"the url of {host!r} has a name or a password in it; give the server's key as api_key"
        raise UsageError(message)
    return Address(parts.scheme, host, port or _PORTS[parts.scheme], parts.path.rstrip("/"), parts.netloc)


def checked_key(api_key: str) -> str:
    """Give an API key that a header can carry.

    Raises:
        UsageError: it has blanks or signs that no key has; the message does not quote it.
    """
    if api_key and not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        message = "the API key has blanks, line ends or signs that no key has; give it as it was printed"
        raise UsageError(message)
    return api_key


def _no_address(url: str) -> str:
    # What stands before an @ may be a password.
    return f"{url.rpartition('@')[2]!r} is not the url of a server; give one such as 'http://127.0.0.1:8080'"
