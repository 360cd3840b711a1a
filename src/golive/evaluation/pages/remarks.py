"""Remarks: the method or the note of a measure, as it is kept in English, in; the same in the page's language out."""

import re
from collections.abc import Mapping

from golive.evaluation.pages.phrases import Say
from golive.evaluation.words.remarks import WORDS

_BETWEEN = "; "
_METHOD = "method"


def _pattern(english: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>(?:(?!; ).)+?)", re.escape(english)), re.DOTALL)


_PATTERNS = tuple((key, _pattern(english)) for key, (english, _) in WORDS.items())


def remark(text: str, say: Say, *, names: Mapping[str, str] | None = None) -> str:
    """Say one or several remarks; one that has no words stays as it is.

    ``names`` are parts of remarks that have a text of their own in the page's language.
    """
    parts, said = text.split(_BETWEEN) if text else [], []
    while parts:
        # Some remarks hold the sign that stands between two of them.
        for count in range(len(parts), 0, -1):
            found = _one(_BETWEEN.join(parts[:count]), say, names or {})
            if found is not None or count == 1:
                said.append(parts[0] if found is None else found)
                parts = parts[count:]
                break
    return say("semicolon").join(said)


def _one(text: str, say: Say, names: Mapping[str, str]) -> str | None:
    for key, pattern in _PATTERNS:
        found = pattern.fullmatch(text)
        if found is not None:
            held = {name: names.get(part, part) for name, part in found.groupdict().items()}
            if _METHOD in held:
                held[_METHOD] = _one(held[_METHOD], say, names) or held[_METHOD]
            return say(key, **held)
    return None
