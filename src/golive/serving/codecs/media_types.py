"""Media types: the kind of body that a request has, and the kind of answer that it wants."""

from collections.abc import Mapping, Sequence

from golive.errors import MediaTypeError

JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"
"""The media types that ``/invocations`` reads and writes."""
_FORM = "application/x-www-form-urlencoded"
"""What curl calls any body that it is not told the kind of."""
_LONGEST = 60


def kind_of_body(headers: Mapping[bytes, bytes]) -> str:
    """Say of which of ``JSON``, ``CSV`` and ``LINES`` a body is; JSON when nothing says so.

    Raises:
        MediaTypeError: it is of another kind, has a parameter besides its charset, or is not in UTF-8.
    """
    sent = headers.get(b"content-type", b"").decode("latin-1")
    kind, *parameters = (part.strip() for part in sent.lower().split(";"))
    if kind in {"", _FORM}:
        kind = JSON
    if kind not in {JSON, CSV, LINES}:
        message = f"the content type {sent[:_LONGEST]!r} is not read here; send {JSON}, {CSV} or {LINES}"
        raise MediaTypeError(message)
    for parameter in filter(None, parameters):
        name, _, value = (part.strip() for part in parameter.partition("="))
        if name != "charset":
            message = f"the content type's parameter {name[:_LONGEST]!r} is not known; send charset or none"
            raise MediaTypeError(message)
        if value.strip('"') not in {"utf-8", "utf8"}:
            message = f"the body is in the charset {value[:_LONGEST]!r}; send it in utf-8"
            raise MediaTypeError(message)
    return kind


def wanted_kind(accept: bytes | None) -> str:
    """Choose among ``JSON``, ``CSV`` and ``LINES`` what an Accept header prefers (RFC 9110, 12.5.1).

    The first of those with the largest weight is taken; JSON when none of them is wanted, for an answer of another
    kind serves a caller better than none.
    """
    best, best_weight = JSON, 0.0
    for part in (accept or b"").decode("latin-1").lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        weight = _weight(parameters)
        if weight > best_weight and (known := _named(kind)):
            best, best_weight = known, weight
    return best


def _named(kind: str) -> str:
    return {JSON: JSON, CSV: CSV, LINES: LINES, "*/*": JSON, "application/*": JSON, "text/*": CSV}.get(kind, "")


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
