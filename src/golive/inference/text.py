"""Text: one text in, the weighted sums of its terms out (bags of words, tf-idf, hashed words).

Works one text at a time in dictionaries, for one row and for a batch alike, so both give the same bits and nothing as
wide as the vocabulary is ever built. Order of the arithmetic: counts, ``1 + log``, idf, norm, weights, each summed in
the order of the terms' places.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from golive.domain.preparation import TextTerms, Tokens
from golive.errors import UsageError
from golive.inference.patterns import objection
from golive.inference.values import MISSING
from golive.ports import Float64

LONGEST_RUN = 20
"""The most words or characters that may stand together as one token."""
MOST_CHARACTERS = 10_000_000
_REMEMBERED = 65_536
"""So many hashes of tokens are remembered, of tokens with at most ``_SHORT`` characters."""
_SHORT = 64
_WORD = 0xFFFFFFFF

Cut = Callable[[str], list[str]]


class TextReader:
    """One compiled :class:`TextTerms` step. Holds no state but remembered hashes: safe from several threads."""

    def __init__(self, step: TextTerms) -> None:
        """Compile a step.

        Raises:
            UsageError: its arrays do not fit one another, or its pattern may take forever.
        """
        self.step = step
        self._width = len(step.into)
        self._cut = cutter(step)
        rows = step.buckets or len(step.terms)
        self._places = {term: place for place, term in enumerate(step.terms)}
        self._idf = _doubles(step, step.idf, rows, "idf").tolist()
        if len(step.kept) % 8:
            raise _incoherent(step, f"its kept buckets are {len(step.kept)} bytes, no multiple of 8")
        kept = np.frombuffer(step.kept, dtype="<i8").tolist()
        self._rows = {bucket: row for row, bucket in enumerate(kept)}
        self._weights = _doubles(step, step.weights, (len(kept) or rows) * self._width, "weights")
        self._weights = self._weights.reshape(-1, self._width)
        self._only = self._weights[:, 0].tolist() if self._width == 1 and step.weights else []
        self._bucket = lru_cache(_REMEMBERED)(self._hashed)
        if not step.weights and self._width > rows:
            raise _incoherent(step, f"it gives {self._width} numbers of {rows} terms")

    def __call__(self, text: str | None) -> tuple[float, ...]:
        """Give the numbers of a text; NaN for a missing one."""
        if text is None:
            return (MISSING,) * self._width
        places, values = self._values(text)
        if self._rows:
            places, values = self._of_kept(places, values)
        if self._only:
            only, total = self._only, 0.0
            for place, value in zip(places, values, strict=True):
                total += value * only[place]
            return (total,)
        if len(self._weights):
            terms = self._weights[places] * np.array(values, dtype=np.float64).reshape(-1, 1)
            return tuple(terms.sum(axis=0).tolist())
        dense = [0.0] * self._width
        for place, value in zip(places, values, strict=True):
            if place < self._width:
                dense[place] = value
        return tuple(dense)

    def is_too_long(self, text: str | None) -> bool:
        """Say whether a text is longer than the step reads."""
        return text is not None and len(text) > self.step.tokens.limit

    def too_long(self, text: str) -> str:
        """Say that a text is longer than the model reads."""
        return (
            f"field {self.step.column!r} has {len(text)} characters, but the model reads at most "
            f"{self.step.tokens.limit}; send a shorter text"
        )

    def _values(self, text: str) -> tuple[list[int], list[float]]:
        step = self.step
        counts = self._bucket_counts(text) if step.buckets else self._term_counts(text)
        places = sorted(counts)
        values = [1.0] * len(places) if step.binary else [float(counts[place]) for place in places]
        if step.sublinear:
            values = [math.log(value) + 1.0 if value > 0.0 else MISSING for value in values]
        if self._idf:
            idf = self._idf
            values = [value * idf[place] for place, value in zip(places, values, strict=True)]
        return places, _divided(values, _norm(values, step.norm))

    def _of_kept(self, places: list[int], values: list[float]) -> tuple[list[int], list[float]]:
        rows = self._rows
        found = [(rows[place], value) for place, value in zip(places, values, strict=True) if place in rows]
        return [row for row, _ in found], [value for _, value in found]

    def _term_counts(self, text: str) -> dict[int, float]:
        counts = Counter(map(self._places.get, self._cut(text)))
        counts.pop(None, None)
        return counts  # type: ignore[return-value]  # None is gone, and whole numbers are numbers

    def _bucket_counts(self, text: str) -> dict[int, float]:
        counts: dict[int, float] = {}
        for token in self._cut(text):
            place, sign = self._bucket(token) if len(token) <= _SHORT else self._hashed(token)
            counts[place] = counts.get(place, 0.0) + sign
        return counts

    def _hashed(self, token: str) -> tuple[int, float]:
        code = murmur3(token.encode("utf-8", "replace"))
        return abs(code) % self.step.buckets, -1.0 if code < 0 and self.step.signed else 1.0


def cutter(step: TextTerms) -> Cut:
    """Compile the way from a text to its tokens.

    Raises:
        UsageError: the pattern is not one that may read strangers' texts, or the runs are too long.
    """
    tokens = step.tokens
    if not 1 <= tokens.shortest <= tokens.longest <= LONGEST_RUN:
        runs = f"{tokens.shortest} to {tokens.longest}"
        raise _incoherent(step, f"tokens are runs of {runs}, but 1 to {LONGEST_RUN} are allowed")
    if not 0 < tokens.limit <= MOST_CHARACTERS:
        raise _incoherent(step, f"it reads {tokens.limit} characters, but 1 to {MOST_CHARACTERS} are allowed")
    cut = _word_cutter(step) if tokens.analyzer == "word" else _character_cutter(tokens)
    clean = _cleaner(tokens)
    return cut if clean is None else lambda text: cut(clean(text))


def murmur3(data: bytes) -> int:
    """Give MurmurHash3 (x86, 32 bits, seed 0) of some bytes, signed. Source: Austin Appleby, MurmurHash3 (2011)."""
    state = 0
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        state ^= _mixed(int.from_bytes(data[start : start + 4], "little"))
        state = (state << 13 | state >> 19) & _WORD
        state = (state * 5 + 0xE6546B64) & _WORD
    if len(data) > whole:
        state ^= _mixed(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & _WORD
    state = (state ^ state >> 13) * 0xC2B2AE35 & _WORD
    state ^= state >> 16
    return state - (1 << 32) if state >> 31 else state


def _mixed(block: int) -> int:
    block = block * 0xCC9E2D51 & _WORD
    block = (block << 15 | block >> 17) & _WORD
    return block * 0x1B873593 & _WORD


def _cleaner(tokens: Tokens) -> Callable[[str], str] | None:
    accents = {"keep": None, "ascii": _ascii, "unicode": _without_marks}[tokens.accents]
    if not tokens.lower:
        return accents
    return str.lower if accents is None else lambda text: accents(text.lower())


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _without_marks(text: str) -> str:
    if text.isascii():
        return text
    return "".join([mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark)])


def _word_cutter(step: TextTerms) -> Cut:
    tokens = step.tokens
    reason = objection(tokens.pattern)
    if reason is not None:
        raise _incoherent(step, f"the pattern {tokens.pattern!r} is not safe to serve: {reason}")
    find = re.compile(tokens.pattern).findall
    stopped = frozenset(tokens.stop_words)
    cut: Cut = find if not stopped else lambda text: [word for word in find(text) if word not in stopped]
    if tokens.longest == 1:
        return cut
    return lambda text: _word_sequences(cut(text), tokens)


def _character_cutter(tokens: Tokens) -> Cut:
    blanks = re.compile(r"\s\s+")
    if tokens.analyzer == "char":

        def anywhere(text: str) -> list[str]:
            whole = blanks.sub(" ", text)
            return [whole[start:end] for start, end in _spans(len(whole), tokens)]

        return anywhere

    def within_words(text: str) -> list[str]:
        found: list[str] = []
        for word in text.split():
            found += _word_runs(f" {word} ", tokens)
        return found

    return within_words


def _word_sequences(words: list[str], tokens: Tokens) -> list[str]:
    """Give every run of neighboring words, the short ones first."""
    return [" ".join(words[start:end]) for start, end in _spans(len(words), tokens)]


def _spans(length: int, tokens: Tokens) -> Iterator[tuple[int, int]]:
    for size in range(tokens.shortest, min(tokens.longest, length) + 1):
        for start in range(length - size + 1):
            yield start, start + size


def _word_runs(word: str, tokens: Tokens) -> list[str]:
    """Give the runs of one word with its blanks; a word shorter than a run counts once, as a whole."""
    found: list[str] = []
    for length in range(tokens.shortest, tokens.longest + 1):
        if length >= len(word):
            found.append(word)
            break
        found += [word[start : start + length] for start in range(len(word) - length + 1)]
    return found


def _norm(values: Sequence[float], kind: str) -> float:
    total = 0.0
    if kind == "l2":
        for value in values:
            total += value * value
        return math.sqrt(total)
    if kind == "l1":
        for value in values:
            total += abs(value)
    return total


def _divided(values: list[float], norm: float) -> list[float]:
    return [value / norm for value in values] if norm else values


def _doubles(step: TextTerms, data: bytes, count: int, name: str) -> Float64:
    if data and len(data) != count * 8:
        raise _incoherent(step, f"its {name} are {len(data)} bytes, but {count} float64 numbers are expected")
    return np.frombuffer(data, dtype="<f8").astype(np.float64)


def _incoherent(step: TextTerms, what: str) -> UsageError:
    return UsageError(f"the step TextTerms of column {step.column!r} cannot be used: {what}; mend the step")
