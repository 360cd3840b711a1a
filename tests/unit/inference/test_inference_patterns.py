"""Patterns: which regular expressions may read strangers' texts."""

import re

import pytest

from golive.inference.patterns import LONGEST, objection

HOSTILE = ["a" * 50_000 + "D", "a-" * 25_000 + "\u00e9", " " * 50_000, "-" * 50_000 + "a", "aD" * 25_000, "1" * 50_000]
"""Texts on which a careless expression takes hours."""


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?u)\b\w\w+\b",
        r"(?u)\b\w+\b",
        r"\b[a-zA-Z]{3,}\b",
        r"\b[^\d\W]+\b",
        r"[a-zA-Z]+",
        r"\S+",
        r"[^\s,]+",
        r"(\w+)",
        r"\w+|[^\w\s]",
        r"\w+(?:['-]\w+)*",
        r"(?<!\w)[a-z]{2,20}(?!\w)",
        r"#\w{1,30}x?",
    ],
)
def test_a_pattern_that_reads_any_text_in_one_pass_is_allowed(pattern):
    assert objection(pattern) is None
    assert all(isinstance(re.findall(pattern, text), list) for text in HOSTILE)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(?:a+)+b", "something that may fail follows a repeat"),
        (r"(?:a|aa)+$", "a boundary or anchor follows a repeat"),
        (r"\w*\w*\w*x", "something that may fail follows a repeat"),
        (r"\w+@\w+", "something that may fail follows a repeat"),
        (r"[a-z]+\b", "a boundary or anchor follows a repeat"),
        (r"\b[a-z]*[a-z]*\b", "a boundary or anchor follows a repeat"),
        (r"\b(?:[a-z]+)*\b", "a boundary or anchor follows a repeat"),
        (r"(?:-*)*\w*\b", "a boundary or anchor follows a repeat"),
        (r"(?a:\w+)\b", "which is not read"),
        (r"a(?=.*)", "a look-ahead or look-behind holds a repeat"),
        (r"(a)\1", "groupref"),
        (r"(a)(b)", "2 groups that capture"),
        (r"\w{50000}x", "may take more than 256 steps"),
        (r"(?:\w{1,10}){1,10}x", "may take more than 256 steps"),
        (r"(?:a+){2,}", "must match twice"),
        (r"[", "not a regular expression of Python"),
        ("a" * (LONGEST + 1), "has 1001 characters"),
    ],
)
def test_a_pattern_that_may_take_forever_is_refused_with_the_reason(pattern, reason):
    assert reason in (objection(pattern) or "")
