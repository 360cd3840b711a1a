"""Feeds: arrays are what the signature says, or a sentence says which is not."""

import numpy as np
import pytest

from golive.domain.signature import Tensor
from golive.errors import RequestError
from golive.inference.feeds import checked_feeds

TENSORS = (
    Tensor(name="image", dtype="uint8", shape=(None, 2, 2)),
    Tensor(name="scale", dtype="float32", shape=()),
    Tensor(name="name", dtype="string", shape=(None,)),
)
IMAGE = np.zeros((3, 2, 2), np.uint8)
GOOD = {"image": IMAGE, "scale": 2, "name": ["a", "b", "c"]}


def test_lists_become_what_the_tensors_are():
    feeds = checked_feeds(TENSORS, {**GOOD, "image": IMAGE.tolist()})
    assert [feeds[name].dtype for name in ("image", "scale", "name")] == [np.uint8, np.float32, object]
    assert (feeds["image"].shape, feeds["scale"].shape) == ((3, 2, 2), ())


def test_texts_of_numpy_become_objects():
    assert checked_feeds(TENSORS, {**GOOD, "name": np.array(["ab", "c"])})["name"].tolist() == ["ab", "c"]


def test_an_array_comes_out_row_major():
    turned = np.zeros((2, 2, 3), np.uint8).transpose(2, 0, 1)
    assert checked_feeds(TENSORS, {**GOOD, "image": turned})["image"].flags.c_contiguous


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"image": IMAGE.astype(np.float32)},
            r"is float32, and the model takes image uint8 \[-1, 2, 2\].*astype\('uint8'\)",
        ),
        ({"image": IMAGE[0]}, r"has the shape \[2, 2\]"),
        ({"image": IMAGE[:, :1]}, r"has the shape \[3, 1, 2\]"),
        ({"image": [[1, 2], [3]]}, "are no tensor of uint8"),
        ({"image": [[[300, 1], [1, 1]]]}, "are no tensor of uint8"),
        ({"scale": "much"}, "are no tensor of float32"),
        ({"picture": IMAGE}, "'picture' is no input of the model; the model takes image uint8"),
    ],
)
def test_what_does_not_fit_is_refused(change, told):
    with pytest.raises(RequestError, match=told):
        checked_feeds(TENSORS, {**GOOD, **change})


def test_a_tensor_that_is_absent_is_named():
    with pytest.raises(RequestError, match="'scale' is not among the inputs"):
        checked_feeds(TENSORS, {"image": IMAGE, "name": ["a"]})
