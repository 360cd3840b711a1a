"""Tokens: what TensorFlow Serving's JSON may hold beyond JSON: NaN, Infinity, and texts in base64."""

import base64
import binascii
import json
import math
import re
from typing import Any

from golive.errors import InvalidRowError, RequestError
from golive.serving.codecs.rowtypes import broken

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_CONSTANTS = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}


def has_tokens(body: bytes) -> bool:
    """Say whether a body may hold what JSON does not."""
    return b"NaN" in body or b"Infinity" in body


def decoded_loosely(body: bytes) -> Any:
    """Read JSON that may hold tokens: NaN becomes None, which is a missing value, the infinities stay.

    By the decoder of the standard library: the others refuse these tokens.

    Raises:
        RequestError: it is not even such JSON.
    """
    try:
        value = json.loads(body.decode(), parse_constant=_CONSTANTS.__getitem__)
        if _HALF.search(body):
            # Half of a pair passes this decoder, but no text with one can be written back into an error.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        message = "the body holds half of a surrogate pair; send both escapes or the character itself"
        raise RequestError(message) from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise broken(body, error) from None
    except ValueError:
        message = "the body holds a whole number of thousands of digits, beyond what 64 bits hold; send a smaller one"
        raise RequestError(message) from None
    return value


def plain_text(value: Any, path: str) -> Any:
    """Give the text that ``{"b64": "..."}`` stands for; any other value as it is.

    Raises:
        InvalidRowError: it is not base64 of a text in UTF-8.
    """
    if not (isinstance(value, dict) and value.keys() == {"b64"}):
        return value
    try:
        return base64.b64decode(value["b64"], validate=True).decode()
    except (TypeError, ValueError, binascii.Error):
        message = f"the value of 'b64' at {path} is not base64 of a text in UTF-8; encode the bytes of the text"
        raise InvalidRowError(message, field=path) from None
