"""Phrases: every text of the report, in English and Chinese."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Literal

from golive.errors import UsageError
from golive.evaluation.numbers import readable
from golive.evaluation.words import checks, explained, groups, numbers, remarks, report, slices, stress, tensors

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Say = Callable[..., str]

_TABLE: Mapping[str, tuple[str, str]] = {
    **report.WORDS,
    **numbers.WORDS,
    **explained.WORDS,
    **groups.WORDS,
    **checks.WORDS,
    **stress.WORDS,
    **slices.WORDS,
    **tensors.WORDS,
    **remarks.WORDS,
}


def phrases(language: Language) -> Say:
    """Give the function that turns a key and its numbers into a sentence.

    A key that is not in the table gives its last part, so a measure made elsewhere shows under its own name.

    Raises:
        UsageError: there is no text in that language.
    """
    if language not in LANGUAGES:
        message = f"the report has no text in {language!r}; choose one of {', '.join(LANGUAGES)}"
        raise UsageError(message)
    column = LANGUAGES.index(language)

    def say(key: str, /, **numbers: Any) -> str:
        if key not in _TABLE:
            return key.partition(".")[2] or key
        return _TABLE[key][column].format(**numbers)

    return say


def together(say: Say, *sentences: str) -> str:
    """Write sentences one after another, with a blank between them where the language has one."""
    return reduce(lambda first, second: say("two.sentences", first=first, second=second), sentences)


def listed(say: Say, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give the numbers of a phrase with every list in them written out."""
    return {
        key: say("comma").join(map(str, value)) if isinstance(value, list | tuple) else value
        for key, value in readable(values).items()
    }


def known(key: str) -> bool:
    """Say whether there is a text under a key."""
    return key in _TABLE


def table() -> Mapping[str, tuple[str, str]]:
    """Give every phrase in both languages."""
    return _TABLE
