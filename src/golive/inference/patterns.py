"""Patterns: which regular expressions may read what strangers send.

Python's ``re`` tries every way to match and cannot be stopped, so a careless expression keeps a server busy for hours
with one short text. Allowed are those that read any text in a time proportional to its length, and the rule is one
sentence: **after a repeat without an upper bound nothing may fail.** What may follow one is an optional part, the end
of the expression, or a word boundary where the repeat runs to the end of a word anyway. What stands before it must
have few ways to match. References to groups, and repeats inside look-aheads and look-behinds, are refused.
"""

import re
from collections.abc import Sequence
from functools import reduce
from operator import mul
from re import _constants as names  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import msgspec

LONGEST = 1000
"""The most characters of an expression."""
MOST_STEPS = 256
"""The most steps that the bounded parts of an expression may take at one place of a text."""
_LARGEST_RANGE = 1024
_CHARACTERS = frozenset({names.LITERAL, names.NOT_LITERAL, names.IN, names.ANY})
_OPTIONAL_REMEDY = "end the expression there, or make what follows optional"

Item = tuple[Any, Any]


class _Read(msgspec.Struct, frozen=True):
    """What is known of a part of an expression."""

    steps: int = 1
    """An upper bound of the steps that its bounded repeats take at one place, failures included."""
    unbounded: bool = False
    can_fail: bool = True
    word: bool = False
    """Whether it matches nothing but word characters."""
    whole_word: bool = False
    """Whether it ends with a repeat that stops at nothing but the end of a word."""
    simple: bool = False
    """Whether it is one character, or a repeat of one."""


def objection(pattern: str) -> str | None:
    """Say why an expression may not read strangers' texts, or give None where it may."""
    if len(pattern) > LONGEST:
        return f"it has {len(pattern)} characters, and at most {LONGEST} are read"
    try:
        compiled = re.compile(pattern)
        tree = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"it is not a regular expression of Python ({error})"
    if compiled.groups > 1:
        return f"it has {compiled.groups} groups that capture, and one at most is read; write (?:...)"
    try:
        _sequence(list(tree), first=True)
    except _UnsafeError as error:
        return str(error)
    return None


class _UnsafeError(Exception):
    """The expression may take forever; the message says which part is the reason."""


def _sequence(items: Sequence[Item], *, first: bool) -> _Read:
    """Judge parts that stand one after the other; ``first`` says whether nothing stands before them."""
    reads: list[_Read] = []
    starts_a_word = first and bool(items) and items[0] == (names.AT, names.AT_BOUNDARY)
    for place, item in enumerate(items):
        after_unbounded = any(read.unbounded for read in reads)
        if item[0] is names.AT:
            within_word = item[1] is names.AT_BOUNDARY and starts_a_word and _is_one_run(reads[1:])
            ends_word = item[1] is names.AT_BOUNDARY and bool(reads) and reads[-1].whole_word
            if after_unbounded and not (within_word or ends_word):
                message = f"a boundary or anchor follows a repeat without an upper bound; {_OPTIONAL_REMEDY}"
                raise _UnsafeError(message)
            reads.append(_Read(whole_word=ends_word, can_fail=not ends_word))
            continue
        read = _item(item, first=first and place == 0)
        if after_unbounded and read.can_fail:
            message = f"something that may fail follows a repeat without an upper bound; {_OPTIONAL_REMEDY}"
            raise _UnsafeError(message)
        reads.append(read)
    steps = reduce(mul, [read.steps for read in reads], 1)
    if steps > MOST_STEPS:
        message = f"it may take more than {MOST_STEPS} steps at one place of a text; use smaller repeats"
        raise _UnsafeError(message)
    return _Read(
        steps=steps,
        unbounded=any(read.unbounded for read in reads),
        can_fail=any(read.can_fail for read in reads),
        word=_all_word(reads),
        whole_word=bool(reads) and reads[-1].whole_word,
    )


def _is_one_run(reads: Sequence[_Read]) -> bool:
    """Say whether parts stay within one word and try each of its ends once."""
    return _all_word(reads) and all(read.simple for read in reads) and sum(read.unbounded for read in reads) == 1


def _all_word(reads: Sequence[_Read]) -> bool:
    return all(read.word for read in reads)


def _item(item: Item, *, first: bool) -> _Read:
    kind, what = item
    if kind in _CHARACTERS:
        return _Read(word=_is_word(item), simple=True)
    if kind is names.SUBPATTERN and not (what[1] or what[2]):
        return _sequence(list(what[3]), first=first)
    if kind is names.BRANCH:
        return _branches([_sequence(list(branch), first=False) for branch in what[1]])
    if kind in {names.MAX_REPEAT, names.MIN_REPEAT}:
        return _repeat(*what, lazy=kind is names.MIN_REPEAT)
    if kind in {names.ASSERT, names.ASSERT_NOT}:
        inside = _sequence(list(what[1]), first=False)
        if inside.unbounded:
            message = "a look-ahead or look-behind holds a repeat without an upper bound; give it one"
            raise _UnsafeError(message)
        return _Read(steps=inside.steps)
    message = f"it uses {str(kind).lower().replace('_', ' ')}, which is not read; use classes, groups and repeats"
    raise _UnsafeError(message)


def _branches(reads: Sequence[_Read]) -> _Read:
    return _Read(
        steps=sum(read.steps for read in reads),
        unbounded=any(read.unbounded for read in reads),
        can_fail=all(read.can_fail for read in reads),
        word=_all_word(reads),
        whole_word=all(read.whole_word for read in reads),
    )


def _repeat(least: int, most: Any, body: Any, *, lazy: bool) -> _Read:
    inside = _sequence(list(body), first=False)
    endless = most is names.MAXREPEAT
    if inside.unbounded and least > 1:
        message = "a repeat without an upper bound stands inside another one that must match twice; drop one of them"
        raise _UnsafeError(message)
    steps = max(1, least) if endless else _steps(inside.steps, least, int(most))
    items = list(body)
    one = len(items) == 1 and items[0][0] in _CHARACTERS
    return _Read(
        steps=max(steps, inside.steps),
        unbounded=endless or inside.unbounded,
        can_fail=least > 0 and inside.can_fail,
        word=inside.word,
        whole_word=not lazy and endless and least > 0 and one and _is_every_word_character(items[0]),
        simple=one,
    )


def _steps(inside: int, least: int, most: int) -> int:
    if most > MOST_STEPS:
        return MOST_STEPS + 1
    total = 0
    for count in range(least, most + 1):
        total += inside ** min(count, 16) if inside > 1 else 1
        if total > MOST_STEPS:
            return MOST_STEPS + 1
    return max(total, most, 1)


def _is_every_word_character(item: Item) -> bool:
    return item[0] is names.IN and list(item[1]) == [(names.CATEGORY, names.CATEGORY_WORD)]


def _is_word(item: Item) -> bool:
    """Say whether an item matches nothing but word characters."""
    kind, what = item
    if kind is names.LITERAL:
        return _word_characters(what, what)
    if kind is not names.IN:
        return False
    if what[0][0] is names.NEGATE:
        return (names.CATEGORY, names.CATEGORY_NOT_WORD) in what
    return all(_is_word_member(*member) for member in what)


def _is_word_member(kind: Any, what: Any) -> bool:
    if kind is names.LITERAL:
        return _word_characters(what, what)
    if kind is names.RANGE:
        return _word_characters(*what)
    return kind is names.CATEGORY and what in {names.CATEGORY_WORD, names.CATEGORY_DIGIT}


def _word_characters(low: int, high: int) -> bool:
    if high - low > _LARGEST_RANGE:
        return False
    return all(chr(code).isalnum() or chr(code) == "_" for code in range(low, high + 1))
