"""Tree ensembles as arrays: what is read is what ONNX Runtime runs, and what is written is read again."""

import numpy as np
import onnxruntime
import pytest
from msgspec.structs import replace
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.graphs.tree_ensemble import (
    ABOVE,
    AT_LEAST,
    AT_MOST,
    AVERAGE,
    BELOW,
    DOMAIN,
    EQUAL,
    MEMBER,
    OPERATOR,
    UNEQUAL,
    TreeEnsemble,
    depth,
    in_single_precision,
    kept,
    levels,
    owners,
    read,
    read_node,
    rewritten,
    written,
)
from golive.errors import NotConvertibleError

COMPARES = (np.less_equal, np.less, np.greater_equal, np.greater, np.equal, np.not_equal)


def ensemble_of(**changes):
    """Three trees: a chain of two nodes over two columns, a set, and a stump whose branches share the only leaf."""
    whole = TreeEnsemble(
        roots=np.array([0, 2, 3]),
        modes=np.array([AT_MOST, BELOW, MEMBER, AT_MOST]),
        features=np.array([0, 1, 1, 0]),
        splits=np.array([0.5, 2.0, 0.0, 0.0]),
        met=np.array([1, 5, 7, 9]),
        unmet=np.array([4, 6, 8, 9]),
        missing=np.array([True, False, False, False]),
        sets=(np.array([1.0, 3.0]),),
        targets=np.array([0, 0, 0, 1, 1, 0]),
        weights=np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
        outputs=2,
    )
    return replace(whole, **changes)


def node_of(ensemble):
    return helper.make_node(OPERATOR, ["N"], ["P"], domain=DOMAIN, name="here", **written(ensemble))


def said(node, rows):
    """Run a node with ONNX Runtime."""
    kind = helper.np_dtype_to_tensor_dtype(rows.dtype)
    info = helper.make_tensor_value_info
    graph = helper.make_graph([node], "g", [info("N", kind, [None, None])], [info("P", kind, [None, None])])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(DOMAIN, 5)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    return onnxruntime.InferenceSession(model).run(None, {"N": rows})[0]


def walked(ensemble, row):
    """Go down every tree of an ensemble with one row."""
    sums, sets = np.zeros(ensemble.outputs), iter(ensemble.sets)
    members = {node: next(sets) for node in np.flatnonzero(ensemble.modes == MEMBER)}
    for root in ensemble.roots:
        place = root
        while place < ensemble.nodes:
            value, mode = row[ensemble.features[place]], ensemble.modes[place]
            is_met = value in members[place] if mode == MEMBER else COMPARES[mode](value, ensemble.splits[place])
            is_met = is_met or (np.isnan(value) and ensemble.missing[place])
            place = ensemble.met[place] if is_met else ensemble.unmet[place]
        sums[ensemble.targets[place - ensemble.nodes]] += ensemble.weights[place - ensemble.nodes]
    return sums / (ensemble.trees if ensemble.aggregate == AVERAGE else 1)


def rows_of(dtype):
    values = [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, np.nan]
    return np.array([[a, b] for a in values for b in values], dtype)


@pytest.mark.parametrize("mode", [AT_MOST, BELOW, AT_LEAST, ABOVE, EQUAL, UNEQUAL, MEMBER])
@pytest.mark.parametrize("aggregate", [0, 1])
def test_the_arrays_say_what_onnx_runtime_does(mode, aggregate):
    sets = (np.array([2.0]), np.array([1.0, 3.0])) if mode == MEMBER else (np.array([1.0, 3.0]),)
    ensemble = ensemble_of(modes=np.array([AT_MOST, mode, MEMBER, AT_MOST]), sets=sets, aggregate=aggregate)
    rows = rows_of(np.float64)
    assert said(node_of(ensemble), rows).tolist() == [walked(ensemble, row).tolist() for row in rows]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_written_is_read_again(dtype):
    kind = {"splits": np.array([0.5, 2, 0, 0], dtype), "weights": np.arange(6).astype(dtype)}
    ensemble = ensemble_of(**kind, sets=(np.array([1, 3], dtype),), aggregate=AVERAGE, transform=1)
    again = read_node(node_of(ensemble))
    for name in TreeEnsemble.__struct_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(ensemble, name), strict=name != "sets")
    assert again.sets[0].dtype == dtype


def test_attributes_may_be_arrays_or_tensors_and_those_with_a_default_may_be_absent():
    tensors = written(ensemble_of())
    arrays = {
        name: numpy_helper.to_array(value) if isinstance(value, TensorProto) else value
        for name, value in tensors.items()
        if name not in {"aggregate_function", "post_transform", "nodes_missing_value_tracks_true"}
    }
    from_tensors, from_arrays = read(tensors), read(arrays)
    assert from_arrays.met.tolist() == from_tensors.met.tolist()
    assert from_arrays.sets[0].tolist() == from_tensors.sets[0].tolist() == [1.0, 3.0]
    assert (from_arrays.aggregate, from_arrays.transform) == (1, 0)
    assert not from_arrays.missing.any()
    assert from_tensors.missing.tolist() == [True, False, False, False]


def test_what_trees_do_not_need_is_not_written():
    plain = ensemble_of(modes=np.zeros(4, np.int64), sets=(), missing=np.zeros(4, np.bool_))
    assert not {"membership_values", "nodes_missing_value_tracks_true"} & set(written(plain))


def test_a_set_that_is_not_there_is_refused():
    attributes = written(ensemble_of())
    del attributes["membership_values"]
    with pytest.raises(NotConvertibleError, match="1 nodes of the TreeEnsemble test for sets, and it holds 0"):
        read(attributes)


def test_trees_are_walked_level_by_level_with_siblings_side_by_side():
    found = [(places.tolist(), tree.tolist()) for places, tree in levels(ensemble_of())]
    assert found == [([0, 2, 3], [0, 1, 2]), ([1, 4, 7, 8, 9, 9], [0, 0, 1, 1, 2, 2]), ([5, 6], [0, 0])]
    assert depth(ensemble_of()) == 2


def test_every_place_belongs_to_its_tree_and_one_that_nothing_leads_to_to_none():
    ensemble = ensemble_of(met=np.array([5, 5, 7, 9]))
    assert owners(ensemble).tolist() == [0, -1, 1, 2, 0, 0, -1, 1, 1, 2]


@pytest.mark.parametrize("met", [[0, 5, 7, 9], [1, 0, 7, 9]])
def test_a_branch_that_leads_back_to_itself_is_refused(met):
    with pytest.raises(NotConvertibleError, match="leads back to itself"):
        depth(ensemble_of(met=np.array(met)))


@pytest.mark.parametrize("stays", [[True, False, False], [False, True, True], [True, True, False], [True] * 3])
def test_trees_that_stay_decide_as_they_did(stays):
    ensemble = ensemble_of()
    alone = replace(ensemble, targets=owners(ensemble)[ensemble.nodes :], outputs=3)
    rows = rows_of(np.float64)
    each = said(node_of(alone), rows)
    node = rewritten(
        node_of(ensemble), kept(replace(ensemble, targets=np.zeros(6, np.int64), outputs=1), np.array(stays))
    )
    assert said(node, rows)[:, 0].tolist() == each[:, stays].sum(axis=1).tolist()
    assert (list(node.input), list(node.output), node.name) == (["N"], ["P"], "here")


def test_sets_stay_with_their_nodes():
    modes, sets = np.array([AT_MOST, MEMBER, MEMBER, AT_MOST]), (np.array([2.0]), np.array([1.0, 3.0]))
    left = kept(ensemble_of(modes=modes, sets=sets), np.array([False, True, True]))
    assert [values.tolist() for values in left.sets] == [[1.0, 3.0]]
    assert left.nodes == 2


@pytest.mark.parametrize("mode", [AT_MOST, BELOW, AT_LEAST, ABOVE])
def test_a_split_in_float32_keeps_every_float32_value_on_its_side(mode):
    splits = np.append(np.random.default_rng(mode).normal(size=200), [1e300, -1e300])
    changes = {"modes": np.full(len(splits), mode), "splits": splits}
    narrow = in_single_precision(ensemble_of(**changes)).splits
    assert narrow.dtype == np.float32
    assert np.isfinite(narrow).sum() >= 200
    with np.errstate(over="ignore"):
        near = splits.astype(np.float32)
    for values in (near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))):
        assert (COMPARES[mode](values, narrow) == COMPARES[mode](values.astype(np.float64), splits)).all()


def test_what_was_single_already_stays_as_it_is():
    single = in_single_precision(ensemble_of())
    assert in_single_precision(single).splits.tolist() == single.splits.tolist()
    assert single.weights.dtype == np.float32
