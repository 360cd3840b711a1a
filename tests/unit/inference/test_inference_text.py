"""Text: tokens, weights and sums of terms are scikit-learn's, and one row is answered like a thousand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.utils import murmurhash3_32

from golive.domain.preparation import Preparation, TextTerms, Tokens
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, UsageError
from golive.inference.front import Front, compile_front
from golive.inference.steps import prepared_columns
from golive.inference.text import TextReader, cutter, murmur3

TEXTS = [
    "The cat sat on the mat, the CAT!",
    "caf\u00e9 cafe\u0301 na\u00efve \u0130stanbul stra\u00dfe",
    "  odd\t\tblanks\u00a0here \u2028 and   there ",
    "a b c d e f",
    "don't stop-words 1,000.50",
    "",
    "\u4e2d\u6587 \u0440\u0443\u0441\u0441\u043a\u0438\u0439 \U0001f600",
]


def texts(*values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def front_of(*steps, nullable=False):
    signature = Signature(
        inputs=(Field(name="note", dtype="string", nullable=nullable),), task="regression", target="y"
    )
    numbers = tuple(name for step in steps for name in step.into)
    return compile_front(Preparation(steps=steps, numbers=numbers), signature)


def counting(**options):
    return TextTerms(column="note", into=("first", "second"), terms=("cat", "dog"), **options)


def both_forms(front: Front, rows):
    batch = front.columns({"note": texts(*rows)})[0]
    single = np.concatenate([front.rows([[row]])[0] for row in rows])
    assert batch.tobytes() == single.tobytes()
    return batch


SETTINGS = [
    {},
    {"ngram_range": (1, 3)},
    {"ngram_range": (2, 2), "lowercase": False},
    {"stop_words": ["the", "on"], "ngram_range": (1, 2)},
    {"analyzer": "char", "ngram_range": (1, 4)},
    {"analyzer": "char", "ngram_range": (3, 3), "strip_accents": "ascii"},
    {"analyzer": "char_wb", "ngram_range": (2, 5)},
    {"strip_accents": "unicode"},
    {"strip_accents": "ascii", "token_pattern": r"[a-z]+"},
    {"token_pattern": r"(?u)\b(\w)\w*"},
]


def tokens_of(vectorizer):
    accents = vectorizer.strip_accents or "keep"
    return Tokens(
        analyzer=vectorizer.analyzer,
        pattern=vectorizer.token_pattern,
        shortest=vectorizer.ngram_range[0],
        longest=vectorizer.ngram_range[1],
        lower=vectorizer.lowercase,
        accents=accents,
        stop_words=tuple(vectorizer.stop_words or ()),
    )


@pytest.mark.parametrize("options", SETTINGS, ids=str)
@settings(max_examples=40, deadline=None)
@given(more=st.text(max_size=60))
def test_a_text_is_cut_into_the_tokens_of_scikit_learn(options, more):
    vectorizer = CountVectorizer(**options)
    cut = cutter(TextTerms(column="note", into=(), tokens=tokens_of(vectorizer)))
    analyze = vectorizer.build_analyzer()
    for text in [*TEXTS, more]:
        assert sorted(cut(text)) == sorted(analyze(text))


@pytest.mark.parametrize("norm", ["l1", "l2", None])
@pytest.mark.parametrize("sublinear", [False, True])
def test_weighted_sums_are_those_of_scikit_learn_for_one_row_and_for_many(norm, sublinear):
    vectorizer = TfidfVectorizer(norm=norm, sublinear_tf=sublinear).fit(TEXTS[:4])
    terms = tuple(sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get))
    weights = np.random.default_rng(0).normal(size=(len(terms), 3))
    shared = {"terms": terms, "sublinear": sublinear, "idf": vectorizer.idf_.tobytes(), "norm": norm or ""}
    front = front_of(
        TextTerms(column="note", into=("a", "b", "c"), weights=weights.tobytes(), **shared),
        TextTerms(column="note", into=("d",), weights=weights[:, :1].tobytes(), **shared),
        TextTerms(column="note", into=tuple(f"t{place}" for place in range(len(terms))), **shared),
    )
    expected = vectorizer.transform(TEXTS)
    made = both_forms(front, TEXTS)
    np.testing.assert_allclose(made[:, :3], expected @ weights, rtol=0, atol=1e-13)
    np.testing.assert_allclose(made[:, 3:4], expected @ weights[:, :1], rtol=0, atol=1e-13)
    np.testing.assert_allclose(made[:, 4:], expected.toarray(), rtol=0, atol=1e-15)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("binary", [True, False])
def test_hashed_sums_are_those_of_scikit_learn(signed, binary):
    vectorizer = HashingVectorizer(n_features=16, alternate_sign=signed, binary=binary, norm="l2")
    weights = np.random.default_rng(0).normal(size=(16, 1))
    kept = np.arange(1, 16)
    step = TextTerms(
        column="note", into=("sum",), buckets=16, signed=signed, binary=binary, norm="l2",
        weights=weights[kept].tobytes(), kept=kept.astype("<i8").tobytes(),
    )  # fmt: skip
    weights[0] = 0.0
    np.testing.assert_allclose(both_forms(front_of(step), TEXTS), vectorizer.transform(TEXTS) @ weights, atol=1e-15)


@given(data=st.binary(max_size=40))
def test_the_hash_is_murmur_hash_3(data):
    assert murmur3(data) == murmurhash3_32(data, seed=0)


def test_a_missing_text_gives_missing_numbers():
    assert np.isnan(both_forms(front_of(counting(), nullable=True), [None])).all()


def test_counts_are_of_the_first_terms_where_there_are_no_weights():
    made = both_forms(front_of(counting()), ["Cat dog cat", "bird"])
    np.testing.assert_array_equal(made, [[2.0, 1.0], [0.0, 0.0]])


@pytest.mark.parametrize("rows", [1, 40])
def test_a_text_beyond_the_limit_is_refused_with_its_path(rows):
    front = front_of(counting(tokens=Tokens(limit=20)))
    sent = [["cat"]] * (rows - 1) + [["cat " * 10]]
    with pytest.raises(InvalidRowError, match="has 40 characters, but the model reads at most 20") as caught:
        front.rows(sent)
    assert caught.value.field == f"$[{rows - 1}].note"


def test_accepted_says_which_texts_are_too_long():
    front = front_of(counting(tokens=Tokens(limit=20)))
    assert front.accepted({"note": texts("cat", "cat " * 10)}).tolist() == [True, False]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": b"12345678"}, "its weights are 8 bytes, but 4 float64 numbers are expected"),
        ({"idf": b"12345678"}, "its idf are 8 bytes, but 2 float64 numbers are expected"),
        ({"tokens": Tokens(pattern=r"(?:a+)+b")}, r"the pattern '(?:a+)+b' is not safe to serve"),
        ({"tokens": Tokens(shortest=1, longest=21)}, "runs of 1 to 21, but 1 to 20 are allowed"),
        ({"tokens": Tokens(shortest=2, longest=1)}, "runs of 2 to 1"),
        ({"tokens": Tokens(limit=0)}, "reads 0 characters"),
        ({"kept": b"123"}, "its kept buckets are 3 bytes, no multiple of 8"),
    ],
)
def test_a_step_that_contradicts_itself_or_may_hang_does_not_compile(options, words):
    with pytest.raises(UsageError) as caught:
        front_of(counting(**options))
    assert words in caught.value.message


def test_more_numbers_than_terms_do_not_compile():
    step = TextTerms(column="note", into=("a", "b"), terms=("cat",))
    with pytest.raises(UsageError, match="gives 2 numbers of 1 terms"):
        TextReader(step)


def test_a_number_column_cannot_be_read_as_text():
    with pytest.raises(UsageError, match="needs a text column, but 'note' is a number column"):
        prepared_columns([counting()], {"note": np.zeros(2)})
