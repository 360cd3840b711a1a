"""skops in the sandbox: the types of a file are listed and its objects made here.

Verbs: ``list`` (a path in, the types that skops does not know to be harmless out), and those of ``joblib_child``.
"""

from typing import Any

import msgspec
from skops import io

from golive.adapters.formats.joblib_child import Handler, handler_of


def handler() -> Handler:
    """Give what answers the sandbox's questions about a file of skops."""
    loading = handler_of(_load)

    def answer(verb: str, content: bytes) -> bytes:
        if verb == "list":
            return msgspec.msgpack.encode(io.get_untrusted_types(file=content.decode()))
        return loading(verb, content)

    return answer


def _load(path: str) -> Any:
    # Where this list is not empty, a person has seen it and said --trust.
    return io.load(path, trusted=io.get_untrusted_types(file=path))
