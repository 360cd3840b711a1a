"""CatBoost: its models, fitted or read from a file, become exact graphs.

They are read from the JSON that CatBoost itself writes. Numbers are rounded to float32 and compared with ``>``;
categories are known by the hash of their text (of an integer's digits); leaves are summed in double precision.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from golive.adapters.frameworks import catboost_statistics as statistics
from golive.adapters.frameworks.boosters import emitter_of, finished, in_order, is_of, numbered
from golive.adapters.frameworks.catboost_hash import category_hash
from golive.adapters.frameworks.catboost_trees import border_of, splits_of, trees_of, with_values
from golive.adapters.frameworks.curves import lookup
from golive.adapters.frameworks.emitter import Emitter
from golive.adapters.frameworks.graph import Block, Graph
from golive.adapters.frameworks.trees import search_sorted, sum_of_trees
from golive.domain.bundle import Decision
from golive.domain.signature import DType
from golive.ports import Converted, Float64, Int64

BINARY = {"Logloss", "CrossEntropy"}
SEVERAL = {"MultiClass", "MultiClassOneVsAll"}
EXPONENTIAL = {"Poisson", "Tweedie", "LogLinQuantile"}
IDENTITY = {
    "RMSE",
    "MAE",
    "MAPE",
    "Quantile",
    "Expectile",
    "Huber",
    "Lq",
    "LogCosh",
    "QueryRMSE",
    "QuerySoftMax",
    "PairLogit",
    "PairLogitPairwise",
    "YetiRank",
    "YetiRankPairwise",
    "LambdaMart",
    "StochasticRank",
}
"""Losses whose models answer with their sum, those for ranking among them."""
LABELS: Mapping[str, DType] = {"Integer": "int64", "Float": "float64", "Boolean": "bool", "String": "string"}
COMPLETE = (
    "give as sample the rows that it was fitted on, or fit it with max_ctr_complexity=1, with a larger "
    "one_hot_max_size, or on columns that are encoded before"
)


class CatboostFramework:
    """Converts models of CatBoost, and asks the originals. The library is not imported here."""

    name = "catboost"

    def recognizes(self, model: object) -> bool:
        """Say whether this object is a ``catboost.CatBoost`` (or CatBoostClassifier, CatBoostRegressor, ...)."""
        return is_of(model, "catboost", "CatBoost")

    def convert(self, model: Any, sample: Any, *, target: str) -> Converted:
        """Convert a model. One fitted for classes gives their probabilities, whatever class the object is of.

        Args:
            model: A fitted model.
            sample: The rows that it was fitted on, as a DataFrame or an array of numbers. Their category columns
                tell which texts the model knows, since it keeps only hashes of them.
            target: The name of what is predicted.

        Raises:
            NotConvertibleError: a part has no exact form, or the sample lacks categories that the model knows.
        """
        emitter = emitter_of(in_order(sample, _names(model)))
        _check(emitter, model)
        told = told_by(model)
        raw = _raw(emitter, model, told)
        labels, dtype = _labels(told)
        answer = _linked(emitter, model, _loss(told), raw)
        return finished(
            emitter,
            answer,
            target=target,
            classes=labels,
            class_dtype=dtype,
            decision=Decision(threshold=_threshold(told)),
        )

    def predict(self, model: Any, rows: Any) -> Float64:
        """Ask the original: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities."""
        loss = _loss({"model_info": {"params": json.loads(dict(model.get_metadata())["params"])}})
        kind = "Exponent" if loss in EXPONENTIAL else "RawFormulaVal"
        reached = _as_trained(model, in_order(rows, _names(model)))
        answer = model.predict(reached, prediction_type="Probability" if loss in BINARY | SEVERAL else kind)
        return np.asarray(answer, np.float64).reshape(len(reached), -1)


def told_by(model: Any) -> dict[str, Any]:
    """Give a model as the JSON that CatBoost writes of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        told: dict[str, Any] = json.loads(path.read_bytes())
    return told


def _loss(told: Mapping[str, Any]) -> str:
    return str(told["model_info"]["params"]["loss_function"]["type"])


def _names(model: Any) -> list[str]:
    return [str(name) for name in model.feature_names_]


def _threshold(told: Mapping[str, Any]) -> float:
    """Give the probability above which the second of two classes wins."""
    return float(told["model_info"].get("binclass_probability_threshold", Decision().threshold))


def _labels(told: Mapping[str, Any]) -> tuple[tuple[str, ...], DType]:
    if _loss(told) not in BINARY | SEVERAL:
        return (), "float64"
    kept = told["model_info"].get("class_params") or {}
    names = kept.get("class_names") or kept.get("class_to_label") or numbered(2)
    return tuple(str(name) for name in names), LABELS.get(str(kept.get("class_label_type")), "string")


def _check(emitter: Emitter, model: Any) -> None:
    for kind, places in (
        ("text", model.get_text_feature_indices()),
        ("embedding", model.get_embedding_feature_indices()),
    ):
        if places:
            raise emitter.refusal(model, f"reads {kind} features", "turn them into numbers before it")


def _raw(emitter: Emitter, model: Any, told: Mapping[str, Any]) -> Block:
    """Write the sums of leaves, scaled and moved: ``[rows, outputs]``."""
    graph, splits = emitter.graph, splits_of(told)
    block = _Reader(emitter, model, told).block()
    trees = list(trees_of(told, splits))
    scale, biases = told["scale_and_bias"]
    if len(biases) == 1:
        valued = [with_values(tree, values[:, 0]) for tree, values in trees]
        total = sum_of_trees(graph, valued, [0] * len(valued), 1, block)
    else:
        places = graph.to_integer(
            sum_of_trees(graph, [tree for tree, _ in trees], range(len(trees)), len(trees), block).tensor
        )
        leaves = lookup(graph, [values for _, values in trees], places)
        total = Block(graph.row_sum(leaves, keep=False), len(biases))
    scaled = total if scale == 1 else graph.by_row("Mul", total, float(scale))
    return graph.by_row("Add", scaled, biases) if any(biases) else scaled


class _Reader:
    """Brings a model's columns into the form that its splits ask about."""

    def __init__(self, emitter: Emitter, model: Any, told: Mapping[str, Any]) -> None:
        features = told["features_info"]
        self._emitter, self._model, self._told = emitter, model, told
        names = emitter.inputs.names
        self._numbers = [names[feature["flat_feature_index"]] for feature in features.get("float_features", [])]
        self._categories = features.get("categorical_features", [])
        self._category_names = [names[feature["flat_feature_index"]] for feature in self._categories]
        self._codes: dict[int, tuple[str, tuple[int, ...]]] = {}
        self._parts: list[statistics.Part] = []
        self._places: dict[str, int] = {}
        self._floats: Block | None = None

    def block(self) -> Block:
        """Give numbers, certain values and target statistics side by side."""
        for category in range(len(self._categories)):
            # A column that no split asks about is part of the rows that the original is asked with.
            self._coded(category)
        blocks = [self._float_block()] if self._numbers else []
        certain = [place for place, feature in enumerate(self._categories) if feature.get("values")]
        blocks += [self._certain(place) for place in certain]
        if self._told["features_info"].get("ctrs"):
            blocks.append(self._statistics())
        return self._emitter.graph.join(blocks)

    def _float_block(self) -> Block:
        if self._floats is None:
            inputs = self._emitter.inputs
            for name in self._numbers:
                if inputs.is_text(name):
                    why = f"reads {name!r} as numbers, but it is text in the sample"
                    raise self._emitter.refusal(self._model, why, "give the rows as the model saw them")
            self._floats = self._emitter.graph.as_float32(inputs.numbers(self._emitter.graph, self._numbers))
        return self._floats

    def _coded(self, category: int) -> tuple[str, tuple[int, ...]]:
        """Give a category column's codes, int64 ``[rows, 1]``, and the hash of each known one."""
        if category not in self._codes:
            graph, inputs, name = self._emitter.graph, self._emitter.inputs, self._category_names[category]
            if inputs.is_text(name):
                texts = inputs.vocabulary(name)
                codes = inputs.codes(graph, [name])
            else:
                known = np.unique(inputs.sample[name].dropna().to_numpy().astype(np.int64))
                texts = tuple(str(value) for value in known.tolist())
                codes = _places(graph, inputs.numbers(graph, [name]), known)
            self._codes[category] = codes, tuple(category_hash(text) for text in texts)
        return self._codes[category]

    def _certain(self, category: int) -> Block:
        """Give which of the values that splits ask for a category is: 0 for none, from 1 in their order."""
        codes, hashes = self._coded(category)
        values = self._categories[category]["values"]
        lost = len(set(values) - set(hashes))
        if lost:
            name = self._category_names[category]
            raise self._emitter.refusal(
                self._model, f"splits on {lost} values of {name!r} that the sample does not hold", COMPLETE
            )
        rank = {value: float(place) for place, value in enumerate(values, start=1)}
        table = np.asarray([*(rank.get(each, 0.0) for each in hashes), 0.0, 0.0])
        return Block(lookup(self._emitter.graph, [table], codes), 1)

    def _statistics(self) -> Block:
        for statistic in self._told["features_info"]["ctrs"]:
            for element in statistic["elements"]:
                self._part(element)
        try:
            return statistics.written(self._emitter.graph, self._told, self._parts, self._part)
        except statistics.UncoveredError as error:
            raise self._emitter.refusal(
                self._model,
                f"keeps target statistics of {error} combinations of categories that the sample does not tell",
                COMPLETE,
            ) from None

    def _part(self, element: Mapping[str, Any]) -> int:
        key = json.dumps(element, sort_keys=True)
        if key not in self._places:
            self._places[key] = len(self._parts)
            self._parts.append(self._made(element))
        return self._places[key]

    def _made(self, element: Mapping[str, Any]) -> statistics.Part:
        graph = self._emitter.graph
        if element["combination_element"] == "float_feature":
            place, border = int(element["float_feature_index"]), border_of(element["border"])
            column = graph.select(self._float_block(), [place])
            graph.note_thresholds(column, 0, np.asarray([border], np.float64))
            above = graph.to_integer(graph.op("Greater", column.tensor, border))
            values = self._emitter.inputs.sample[self._numbers[place]].to_numpy(np.float64).astype(np.float32)
            return _bit(above, values > border)
        category = int(element["cat_feature_index"])
        codes, hashes = self._coded(category)
        sample = self._sample(category, len(hashes))
        if element["combination_element"] == "cat_feature_value":
            known = np.asarray(hashes, np.int64).astype(np.uint64)
            return statistics.Part(codes, known, sample, len(hashes) + 2)
        equal = np.asarray([*(each == element["value"] for each in hashes), False, False], np.int64)
        return _bit(lookup(graph, [equal], codes), equal[sample].astype(np.bool_))

    def _sample(self, category: int, unseen: int) -> Int64:
        """Give the codes of the sample's rows."""
        name = self._category_names[category]
        values = self._emitter.inputs.sample[name]
        if self._emitter.inputs.is_text(name):
            known: list[Any] = list(self._emitter.inputs.vocabulary(name))
            keys = values.tolist()
        else:
            known = np.unique(values.dropna().to_numpy().astype(np.int64)).tolist()
            keys = values.tolist()
        place = {value: code for code, value in enumerate(known)}
        return np.asarray([place.get(key, unseen) for key in keys], np.int64)


def _bit(tensor: str, sample: Any) -> statistics.Part:
    return statistics.Part(tensor, np.arange(2, dtype=np.uint64), np.asarray(sample, np.int64), 2)


def _places(graph: Graph, block: Block, known: Int64) -> str:
    """Give each whole number's place among the known ones, or their count for any other."""
    values = known.astype(np.float64)
    whole = Block(graph.to_double(graph.to_integer(block.tensor)), 1)
    near = search_sorted(graph, whole, [values], right=False)
    there = lookup(graph, [np.append(values, np.nan)], near)
    return graph.op("Where", graph.op("Equal", there, whole.tensor), near, np.asarray([[len(values)]]))


def _linked(emitter: Emitter, model: Any, loss: str, raw: Block) -> Block:
    graph = emitter.graph
    if loss in BINARY:
        return graph.with_complement(graph.sigmoid(raw))
    if loss == "MultiClass":
        return graph.each("Softmax", raw, axis=1)
    if loss == "MultiClassOneVsAll":
        return graph.sigmoid(raw)
    if loss in EXPONENTIAL and raw.width == 1:
        return graph.each("Exp", raw)
    if loss in IDENTITY and raw.width == 1:
        return raw
    able = ", ".join(sorted(BINARY | SEVERAL | EXPONENTIAL | IDENTITY))
    raise emitter.refusal(model, f"was fitted with the loss function {loss!r}", f"use one of {able}")


def _as_trained(model: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """Give category columns as text or integers, and all others as float64."""
    categories = {rows.columns[place] for place in model.get_cat_feature_indices()}
    columns: dict[str, Any] = {}
    for name in rows.columns:
        column = rows[name]
        if name not in categories:
            columns[name] = column.astype(np.float64)
        else:
            is_number = pd.api.types.is_numeric_dtype(column.dtype)
            columns[name] = column.astype(np.int64) if is_number else column.astype(object)
    return pd.DataFrame(columns, index=rows.index)
