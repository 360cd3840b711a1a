"""Target: the server under load, and the requests that it is sent, each tried once before."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import httpx
import msgspec

from golive.control.load.requests import Body, request_of
from golive.errors import (
    DeniedError,
    GoliveError,
    NotFoundError,
    RequestError,
    TooLargeError,
    UnavailableError,
    UsageError,
)
from golive.security.keys import is_loopback

_ASK_S = 30.0
_DENIED = frozenset({401, 403})
_KINDS: dict[int, type[GoliveError]] = {404: NotFoundError, 413: TooLargeError}
_OK, _NOT_OK, _SERVER = 200, 300, 500
_TOLD = 500


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server listens, and what it wants to see."""

    url: str
    key: str = ""
    tls_ca: str = ""

    @property
    def parts(self) -> SplitResult:
        """The parts of the URL."""
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        """The name or address."""
        return self.parts.hostname or ""

    @property
    def port(self) -> int:
        """The port, also where the URL leaves it out."""
        return self.parts.port or (443 if self.tls else 80)

    @property
    def tls(self) -> bool:
        """Whether it is spoken to in TLS."""
        return self.parts.scheme == "https"

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, as far as the URL tells."""
        return is_loopback(self.host)

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}


def checked_target(url: str, *, key: str, tls_ca: str = "") -> Target:
    """Give a target, or say what is wrong with its parts.

    Raises:
        UsageError: the URL is not one of HTTP, or the key cannot stand in a header.
    """
    target = Target(url=url.rstrip("/"), key=key, tls_ca=tls_ca)
    try:
        good = target.parts.scheme in {"http", "https"} and bool(target.host) and target.port > 0
    except ValueError:
        good = False
    if not good:
        message = f"{url!r} is not the URL of a server; give it as http://HOST:PORT"
        raise UsageError(message)
    if not (key.isascii() and (not key or key.isprintable())):
        message = "the API key holds characters that no HTTP header may; see that GOLIVE_API_KEY is the key alone"
        raise UsageError(message)
    return target


def whole_requests(target: Target, path: str, bodies: Sequence[Body]) -> tuple[bytes, ...]:
    """Write the requests that the generators send."""
    parts = target.parts
    return tuple(request_of(body, host=parts.netloc, path=parts.path + path, headers=target.headers) for body in bodies)


def try_out(target: Target, path: str, bodies: Sequence[Body]) -> None:
    """Send every body once, so that a load of refusals is not taken for a measurement.

    Raises:
        UnavailableError: no server answers there, or it cannot answer now.
        DeniedError: it asks for another key.
        NotFoundError: it does not serve that model.
        RequestError: it refuses a body, such as one of too many rows.
    """
    with _client(target) as client:
        for body in bodies:
            answer = _asked(client, target, "POST", path, content=body.content, headers=body.headers)
            if "content-length" not in answer.headers:
                message = f"the server at {target.url} answers without a content-length, which cannot be measured"
                raise UnavailableError(message)


def described(target: Target) -> Mapping[str, Any]:
    """Read what the server says of its models (``/openapi.json``).

    Raises:
        UnavailableError: no server answers there, or it is none of golive's.
        DeniedError: it asks for another key.
    """
    with _client(target) as client:
        try:
            found = _asked(client, target, "GET", "/openapi.json").json()
        except (NotFoundError, ValueError):
            found = None
    if not isinstance(found, dict) or "paths" not in found:
        message = f"the server at {target.url} does not describe its models; name the bundle that it serves as well"
        raise UnavailableError(message)
    return found


def metadata(target: Target, model: str) -> Mapping[str, Any]:
    """Read what the server says of one model (``/v2/models/{m}``); empty where it says nothing.

    Raises:
        UnavailableError: no server answers there.
        DeniedError: it asks for another key.
    """
    with _client(target) as client:
        try:
            found = _asked(client, target, "GET", f"/v2/models/{quote(model, safe='')}").json()
        except (NotFoundError, ValueError):
            return {}
    return found if isinstance(found, dict) else {}


def _client(target: Target) -> httpx.Client:
    try:
        verify = httpx.create_ssl_context(verify=target.tls_ca or True) if target.tls else False
    except OSError as error:
        message = f"the file {target.tls_ca!r} cannot be used to trust a server ({error}); give a PEM file"
        raise UsageError(message) from error
    return httpx.Client(timeout=_ASK_S, verify=verify, headers=target.headers, trust_env=False)


def _asked(client: httpx.Client, target: Target, method: str, path: str, **parts: Any) -> httpx.Response:
    try:
        answer = client.request(method, target.url + path, follow_redirects=False, **parts)
    except httpx.TransportError as error:
        why = str(error) or type(error).__name__
        message = f"no server answers at {target.url} ({why}); start it, or correct --url"
        raise UnavailableError(message) from error
    if not _OK <= answer.status_code < _NOT_OK:
        raise _refusal(target, answer)
    return answer


def _refusal(target: Target, answer: httpx.Response) -> GoliveError:
    status = answer.status_code
    if status in _DENIED:
        what = "does not take the API key that was sent" if target.key else "asks for an API key"
        return DeniedError(f"the server at {target.url} {what}; set GOLIVE_API_KEY to a valid one")
    text = f"the server at {target.url} answered a request of the bench with status {status}: {_told(answer)}"
    if status >= _SERVER:
        return UnavailableError(text)
    return _KINDS.get(status, RequestError)(text)


def _told(answer: httpx.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return answer.text[:_TOLD]
    return str(found.get("error", found) if isinstance(found, dict) else found)[:_TOLD]
