"""Framing: where the JSON of an infer request ends and the bytes of its tensors begin, and how an answer says so.

The size of the JSON is told by the header ``Inference-Header-Content-Length``, or by the content type that SageMaker
and Vertex AI know, as those hand on no other header. An answer says it in the words of its request.
"""

from collections.abc import Mapping

import msgspec

from golive.errors import RequestError

OCTETS = b"content-type: application/octet-stream\r\ninference-header-content-length: %d\r\n"
"""The header lines of an answer with binary tensors; the size of its JSON is left open."""

_LONG_JSON_BYTES = 16 * 2**10
"""Longer JSON is not read in the event loop, though numbers in bytes of any length are."""
_HEADER = b"inference-header-content-length"
_VENDORS = frozenset(
    {
        b"application/vnd.sagemaker-triton.binary+json",
        b"application/vnd.vertex-ai-triton.binary+json",
    }
)
_SIZE = b"json-header-size"
_DIGITS = 18


class Framing(msgspec.Struct, frozen=True, gc=False):
    """What the headers of a request with binary tensors say."""

    json_bytes: int
    """The size of the JSON at the start of the body; 0 where the whole body is one tensor."""
    lines: bytes
    """The header lines of the answer, with a place for the size of its JSON."""


class Buffers:
    """The bytes after the JSON, handed out in the order of the tensors."""

    def __init__(self, rest: memoryview | None = None) -> None:
        self._rest = rest
        self._at = 0

    def take(self, name: str, size: int) -> memoryview:
        """Give the bytes of the next binary tensor, without copying them.

        Raises:
            RequestError: there are none, or not so many.
        """
        if self._rest is None:
            message = (
                f"tensor {name!r} says 'binary_data_size', but no header says where the JSON ends; "
                "send Inference-Header-Content-Length"
            )
            raise RequestError(message, field=name)
        left = len(self._rest) - self._at
        if not 0 <= size <= left:
            message = f"tensor {name!r} says 'binary_data_size' {size}, but {left} bytes are left of the body; mend it"
            raise RequestError(message, field=name)
        start, self._at = self._at, self._at + size
        return self._rest[start : self._at]

    def finish(self) -> None:
        """Check that no bytes are left.

        Raises:
            RequestError: some are.
        """
        if self._rest is not None and self._at != len(self._rest):
            message = (
                f"{len(self._rest) - self._at} bytes of the body belong to no tensor; "
                "give every binary tensor its 'binary_data_size'"
            )
            raise RequestError(message)


def framing_of(headers: Mapping[bytes, bytes]) -> Framing | None:
    """Read where the JSON of a request ends; None for a body that is all JSON.

    Raises:
        RequestError: the size is not a whole number.
    """
    announced = headers.get(_HEADER)
    if announced is not None:
        return Framing(_size(announced, "the header Inference-Header-Content-Length"), OCTETS)
    media_type = headers.get(b"content-type")
    if media_type is None or media_type == b"application/json":
        return None
    return _of_vendor(media_type.lower())


def has_long_json(headers: Mapping[bytes, bytes]) -> bool:
    """Say whether the JSON of a long body is long too; numbers in bytes are only looked at."""
    try:
        framing = framing_of(headers)
    except RequestError:
        return False
    return framing is None or framing.json_bytes > _LONG_JSON_BYTES


def divided(body: bytes, framing: Framing) -> tuple[bytes, Buffers]:
    """Divide a body into its JSON and the bytes after it.

    Raises:
        RequestError: the JSON would be longer than the body.
    """
    if framing.json_bytes > len(body):
        message = (
            f"the JSON is announced with {framing.json_bytes} bytes, but the body has {len(body)}; "
            "announce the size of the JSON alone"
        )
        raise RequestError(message)
    return body[: framing.json_bytes], Buffers(memoryview(body)[framing.json_bytes :])


def _of_vendor(media_type: bytes) -> Framing | None:
    kind, *settings = (part.strip() for part in media_type.split(b";"))
    if kind not in _VENDORS:
        return None
    for setting in settings:
        name, _, size = setting.partition(b"=")
        if name.strip() == _SIZE:
            lines = b"content-type: %b;%b=%%d\r\n" % (kind, _SIZE)
            return Framing(_size(size.strip(), "json-header-size of the content type"), lines)
    message = f"the content type {kind.decode('ascii')} wants the size of the JSON; add ;json-header-size=N"
    raise RequestError(message)


def _size(text: bytes, what: str) -> int:
    # A longer number than this is no size of a body, and int() takes more than digits.
    if not text.isdigit() or len(text) > _DIGITS:
        message = f"{what} is {text[:40].decode('latin-1')!r}; send the size of the JSON in bytes, 0 for a raw tensor"
        raise RequestError(message)
    return int(text)
