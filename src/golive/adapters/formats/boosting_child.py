"""Boosting models in the sandbox: read, walked through and asked for rows, so that a crash is this process's own.

Verbs: ``lightgbm text``, ``xgboost json``, ``xgboost ubj``, ``catboost cbm``, ``catboost json``; the content is the
path of the file, and no answer is a good answer.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from golive.errors import DataError

MOST_COLUMNS = 1_000_000
ROWS = 64
"""Random rows that a model is asked for, beside those of nothing but zeros, of missing values and of extremes."""
LARGE = 1e9
LEAF = -1
MOST_CELLS = 4_000_000
"""Of the random rows."""


def handler() -> Callable[[str, bytes], bytes]:
    """Give what answers a sandbox's questions."""
    tries: dict[str, Callable[[Path, str], None]] = {
        "lightgbm": try_lightgbm,
        "xgboost": try_xgboost,
        "catboost": try_catboost,
    }

    def answer(verb: str, content: bytes) -> bytes:
        library, _, kind = verb.partition(" ")
        tries[library](Path(content.decode()), kind)
        return b""

    return answer


def try_lightgbm(path: Path, _: str) -> None:
    """Read a model of LightGBM as text; writing it as JSON walks every tree.

    Raises:
        DataError: a tree asks for a column that is not there.
    """
    import lightgbm  # noqa: PLC0415 - only where such a file is read

    model = lightgbm.Booster(model_str=path.read_text("utf-8"))
    width = _checked_width(model.num_feature())
    for tree in model.dump_model(num_iteration=-1)["tree_info"]:
        waiting = [tree["tree_structure"]]
        while waiting:
            node = waiting.pop()
            _check_column(int(node.get("split_feature", 0)), width)
            waiting += [node[side] for side in ("left_child", "right_child") if side in node]
    model.predict(_rows(width), num_iteration=-1, num_threads=1)


def try_xgboost(path: Path, _: str) -> None:
    """Read a model of XGBoost, as JSON or UBJSON, and follow the links of its trees.

    Raises:
        DataError: a link leads nowhere or in a circle, or a tree asks for a column that is not there.
    """
    import xgboost  # noqa: PLC0415 - only where such a file is read

    model = xgboost.Booster(params={"nthread": 1})
    model.load_model(bytearray(path.read_bytes()))
    learner = json.loads(model.save_raw("json"))["learner"]
    width = _checked_width(int(learner["learner_model_param"]["num_feature"]))
    boosting = learner["gradient_booster"]
    for tree in boosting.get("gbtree", boosting).get("model", {}).get("trees", ()):
        _check_links(tree["left_children"], tree["right_children"])
        _check_column(max(tree["split_indices"]), width)
    data = xgboost.DMatrix(_rows(width), nthread=1)
    model.predict(data, validate_features=False)


def try_catboost(path: Path, kind: str) -> None:
    """Read a model of CatBoost, as its own binary form or as JSON.

    Raises:
        DataError: it reads too many columns.
    """
    import catboost  # noqa: PLC0415 - only where such a file is read

    if kind == "json":
        # CatBoost takes a file that was cut off for a model with fewer parts.
        json.loads(path.read_bytes())
    model = catboost.CatBoost().load_model(str(path), format=kind)
    width = _checked_width(len(model.feature_names_))
    categories = set(model.get_cat_feature_indices())
    rows = _rows(width)
    columns = [["a"] * len(rows) if place in categories else rows[:, place] for place in range(width)]
    listed = [list(row) for row in zip(*columns, strict=True)]
    pool = catboost.Pool(listed, cat_features=sorted(categories)) if categories else catboost.Pool(rows)
    model.predict(pool, thread_count=1)


def _checked_width(width: int) -> int:
    if not 0 < width <= MOST_COLUMNS:
        message = f"it reads {width} columns, and 1 to {MOST_COLUMNS} can be served"
        raise DataError(message)
    return width


def _check_column(column: int, width: int) -> None:
    if not 0 <= column < width:
        message = f"a tree asks for column {column} of {width}"
        raise DataError(message)


def _check_links(left: Sequence[int], right: Sequence[int]) -> None:
    """Follow links from the root; nodes that pruning cut off stay in the file, with links of their own."""
    nodes, reached = [0], {0}
    for node in nodes:
        for child in (left[node], right[node]):
            if child == LEAF:
                continue
            if not 0 <= child < len(left) or child in reached:
                message = f"in a tree of {len(left)} nodes a link leads to node {child}, which is not there or not new"
                raise DataError(message)
            nodes.append(child)
            reached.add(child)


def _rows(width: int) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(0)
    count = max(1, min(ROWS, MOST_CELLS // width))
    plain = np.stack([np.zeros(width), np.full(width, np.nan), np.full(width, LARGE), np.full(width, -LARGE)])
    return np.concatenate([plain, rng.normal(size=(count, width)) * 10.0 ** rng.integers(-3, 7, (count, 1))])
