"""The files of a bundle that explanations need: what they hold, and what is refused."""

import json
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from golive.errors import UsageError, VerificationError
from golive.inference.explaining.background import BACKGROUND, background_file, read_background
from golive.inference.explaining.container import EXPLAINER, Head, read, write
from golive.inference.explaining.leaves import leaves_of, nodes_of
from golive.inference.explaining.open import open_explainer
from golive.packaging.explaining import explaining_files

NODES = ("roots", "modes", "features", "splits", "met", "unmet", "missing", "set_values", "set_ends", "owners")


@pytest.fixture
def bundle(table, bundled):
    frame, value = table
    frame = frame[["area", "age"]].fillna(0.0)
    model = make_pipeline(StandardScaler(), GradientBoostingRegressor(n_estimators=3, max_depth=2))
    return bundled(model.fit(frame, value), frame)


def test_background_rows_are_training_rows_and_always_the_same(bundle):
    signature = bundle.road.signature
    held = read_background(signature, bundle.files[BACKGROUND])
    rows = list(zip(*(held[name].tolist() for name in signature.names), strict=True))
    given_rows = set(zip(*(bundle.columns[name].tolist() for name in signature.names), strict=True))
    assert len(rows) == 20
    assert set(rows) <= given_rows
    assert background_file(signature, bundle.columns, 20) == bundle.files[BACKGROUND]


def test_a_bundle_without_background_rows_says_how_to_get_them(bundle):
    assert explaining_files(bundle.road, bundle.graph, bundle.columns, (), rows=0) == {}
    with pytest.raises(UsageError, match="package the model again, with background rows"):
        open_explainer(bundle.road, {})


def test_more_background_rows_than_are_compared_with_are_refused(bundle):
    with pytest.raises(UsageError, match="0 to 100"):
        explaining_files(bundle.road, bundle.graph, bundle.columns, (), rows=101)


def test_an_explainer_that_fails_does_not_stop_the_packaging(bundle):
    class Broken:
        name = "broken"

        def prepare(self, subject, names):
            raise ZeroDivisionError

    files = explaining_files(bundle.road, bundle.graph, bundle.columns, [Broken()], rows=5)
    assert set(files) == {BACKGROUND}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"area": []}', b'{"area": [1], "age": ["a"]}', b"\xff", b'{"area": [1]}']
)
def test_a_damaged_background_is_refused(content, bundle):
    with pytest.raises(VerificationError, match=BACKGROUND):
        open_explainer(bundle.road, {**bundle.files, BACKGROUND: content})


def head_of(content):
    (length,) = struct.unpack_from("<I", content, 8)
    return json.loads(content[12 : 12 + length]), content[12 + length :]


def with_head(head, body):
    encoded = json.dumps(head).encode()
    return b"golivex1" + struct.pack("<I", len(encoded)) + encoded + body


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-5],
        lambda content: content[:20],
        lambda content: b"golivex2" + content[8:],
        lambda content: content[:8] + struct.pack("<I", 2**31) + content[12:],
        lambda content: content + b"more",
        lambda content: with_head(head_of(content)[0], zlib.compress(bytes(10**7))),
        lambda content: with_head({**head_of(content)[0], "parts": [["a", "f8", [2**31, 2**31]]]}, b""),
        lambda content: with_head({**head_of(content)[0], "parts": [["a", "O8", [1]]]}, b""),
        lambda content: with_head({**head_of(content)[0], "parts": [["a", "f8", [-1]]]}, b""),
        lambda content: with_head({**head_of(content)[0], "kind": "pickle"}, head_of(content)[1]),
        lambda content: with_head({**head_of(content)[0], "kind": "linear"}, head_of(content)[1]),
        lambda content: with_head({**head_of(content)[0], "mirror": "negative", "parts": []}, zlib.compress(b"")),
    ],
    ids=[
        "cut off",
        "hardly there",
        "of another version",
        "a header longer than the file",
        "more behind it",
        "more inside than it says",
        "arrays beyond all memory",
        "arrays of objects",
        "arrays of negative length",
        "another kind",
        "another's arrays",
        "no arrays",
    ],
)
def test_a_hostile_explainer_file_is_refused(change, bundle):
    with pytest.raises(VerificationError, match=EXPLAINER):
        open_explainer(bundle.road, {**bundle.files, EXPLAINER: change(bundle.files[EXPLAINER])})


def trees(**changed):
    """One tree of two inner nodes and three leaves over two columns, with changes."""
    arrays = {
        "roots": [0],
        "modes": [0, 0],
        "features": [0, 1],
        "splits": [0.0, 1.0],
        "met": [1, 2],
        "unmet": [4, 3],
        "missing": [0, 0],
        "set_values": [],
        "set_ends": [],
        "owners": [0, 1],
        "values": [[1.0], [2.0], [3.0]],
        "offset": [0.0],
    } | changed
    kinds = {
        "modes": np.uint8,
        "missing": np.uint8,
        "splits": float,
        "values": float,
        "offset": float,
        "set_values": float,
    }
    held = {name: np.array(values, kinds.get(name, np.int32)) for name, values in arrays.items()}
    return read(write(Head(kind="tree", scale="value", parts=()), held))


@pytest.mark.parametrize(
    "changed",
    [
        {"met": [0, 2]},
        {"met": [1, 1]},
        {"roots": [7]},
        {"roots": [-1]},
        {"features": [0, 9]},
        {"modes": [0, 9]},
        {"modes": [6, 0]},
        {"set_ends": [5]},
        {"unmet": [3, 3]},
        {"met": [1]},
    ],
)
def test_trees_that_point_elsewhere_or_back_are_refused(changed):
    with pytest.raises(VerificationError):
        leaves_of(nodes_of(trees(**changed)), np.array([0, 1]), 2)


places = st.lists(st.integers(-2, 6), min_size=2, max_size=2)


@settings(max_examples=60, deadline=None)
@given(met=places, unmet=places, roots=st.lists(st.integers(-1, 5), max_size=3), features=places)
def test_any_trees_are_either_read_or_refused(met, unmet, roots, features):
    try:
        leaves = leaves_of(nodes_of(trees(met=met, unmet=unmet, roots=roots, features=features)), np.array([0, 1]), 2)
    except VerificationError:
        return
    assert len(leaves.starts) <= 3


def comb(depth):
    """One tree that is as deep as it has nodes: a leaf hangs on each."""
    places = np.arange(depth)
    return trees(
        modes=np.zeros(depth),
        features=np.zeros(depth),
        splits=np.zeros(depth),
        met=depth + places,
        unmet=np.append(places[1:], 2 * depth),
        missing=np.zeros(depth),
        values=np.ones((depth + 1, 1)),
    )


def test_paths_that_unroll_to_far_more_than_the_file_are_refused_before_they_fill_the_memory():
    tracemalloc.start()
    try:
        with pytest.raises(VerificationError, match="more than 4000000 steps together"):
            leaves_of(nodes_of(comb(4_000)), np.array([0, 1]), 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200e6
    assert len(leaves_of(nodes_of(comb(1_000)), np.array([0, 1]), 2).starts) == 1_001


def test_more_nodes_leaves_or_sets_than_are_ever_written_are_refused():
    for changed in ({"values": np.zeros((200_001, 1))}, {"set_ends": np.zeros(10)}):
        with pytest.raises(VerificationError, match=r"more than 200000|sets that are not there"):
            nodes_of(trees(**changed))


def test_a_leaf_of_many_columns_among_many_leaves_is_refused():
    # One path reads 60 columns; the other trees have one node each.
    deep, stumps = 60, 50_000
    count = deep + stumps
    places = np.arange(count)
    unmet = count + places
    met = np.where(places < deep - 1, places + 1, 2 * count + places)
    held = trees(
        roots=np.append(0, places[deep:]),
        modes=np.zeros(count),
        features=np.minimum(places, deep - 1),
        splits=np.zeros(count),
        met=met,
        unmet=unmet,
        missing=np.zeros(count),
        owners=np.arange(deep),
        values=np.ones((2 * count, 1)),
    )
    with pytest.raises(VerificationError, match="with up to 60 columns each are too many"):
        leaves_of(nodes_of(held), np.arange(deep), deep)


def test_the_encoder_is_opened_by_nothing_that_the_file_names(bundle):
    for runtime in ("isolated", "compiled", "openvino"):
        head, body = head_of(bundle.files[EXPLAINER])
        hostile = with_head({**head, "runtime": runtime}, body)
        with pytest.raises(VerificationError, match="its header cannot be read"):
            open_explainer(bundle.road, {**bundle.files, EXPLAINER: hostile})


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(VerificationError, match="not finite"):
        trees(values=[[1.0], [np.nan], [2.0]])
