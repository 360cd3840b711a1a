"""Requests for models of tensors: made up from a signature, or from somebody's arrays, in each form."""

import json

import numpy as np
import pytest

from golive.control.bench import refuse_data
from golive.control.load.requests import form_of
from golive.control.load.tensors import made_up, of_file, read_arrays, signature_of, tensor_bodies
from golive.domain.signature import Field, Signature, Tensor
from golive.errors import DataError, RequestError, UsageError

IMAGE = Tensor(name="image", dtype="uint8", shape=(None, 4, 4))
SCALE = Tensor(name="scale", dtype="float32", shape=(1,))
OUT = (Tensor(name="scores", dtype="float32", shape=(None, 3)),)
ROWS = Signature(inputs=(), task="tensors", target="scores", tensors=(IMAGE,), outputs=OUT)
WHOLE = Signature(inputs=(), task="tensors", target="scores", tensors=(IMAGE, SCALE), outputs=OUT)


def test_rows_differ_from_request_to_request():
    requests = next(made_up(ROWS, 2))
    assert len(requests) == 64
    assert {request["image"].shape for request in requests} == {(2, 4, 4)}
    assert len({request["image"].tobytes() for request in requests}) == 64


def test_a_model_without_rows_gets_one_request():
    (request,) = next(made_up(WHOLE, 1))
    assert (request["image"].shape, request["scale"].shape) == ((1, 4, 4), (1,))


def test_other_lengths_are_tried_where_axes_are_open():
    tokens = Tensor(name="tokens", dtype="int64", shape=(None, None))
    signature = Signature(inputs=(), task="tensors", target="y", tensors=(tokens,), outputs=OUT)
    shapes = [requests[0]["tokens"].shape for requests in made_up(signature, 1)]
    assert {(1, 64), (1, 224), (1, 8), (1, 1)} <= set(shapes)


def test_big_tensors_make_few_requests():
    big = Tensor(name="big", dtype="float32", shape=(None, 1 << 22))
    signature = Signature(inputs=(), task="tensors", target="y", tensors=(big,), outputs=OUT)
    assert len(next(made_up(signature, 1))) == 4


def test_somebodys_arrays_are_cut_into_requests(tmp_path):
    np.savez(tmp_path / "some.npz", image=np.arange(7 * 16, dtype=np.uint8).reshape(7, 4, 4))
    requests = of_file(tmp_path / "some.npz", ROWS, 2)
    assert [request["image"][0, 0, 0] for request in requests] == [0, 32, 64]
    np.save(tmp_path / "some.npy", np.zeros((3, 4, 4), np.uint8))
    assert len(of_file(tmp_path / "some.npy", ROWS, 1)) == 3
    with pytest.raises(DataError, match="holds 3 rows, and a request is to have 5"):
        of_file(tmp_path / "some.npy", ROWS, 5)


def test_arrays_that_do_not_fit_or_hold_objects_are_refused(tmp_path):
    np.savez(tmp_path / "wrong.npz", image=np.zeros((7, 4, 4)))
    with pytest.raises(RequestError, match="float64, and the model takes image uint8"):
        of_file(tmp_path / "wrong.npz", ROWS, 1)
    np.savez(tmp_path / "objects.npz", image=np.array([object()]))
    with pytest.raises(DataError, match=r"cannot be read as arrays .* numpy.savez"):
        read_arrays(tmp_path / "objects.npz", ROWS)
    (tmp_path / "text.npz").write_text("no arrays")
    with pytest.raises(DataError, match="cannot be read as arrays"):
        read_arrays(tmp_path / "text.npz", ROWS)


def test_each_form_carries_the_same_values():
    arrays = {"image": np.arange(16, dtype=np.uint8).reshape(1, 4, 4), "scale": np.float32([0.5])}
    (rows,), (listed,), (raw,) = (tensor_bodies([arrays], form) for form in ("rows", "tensors", "binary"))
    assert json.loads(rows.content) == {"inputs": {"image": arrays["image"].tolist(), "scale": [0.5]}}
    (image, scale) = json.loads(listed.content)["inputs"]
    assert (image["datatype"], image["shape"], image["data"]) == ("UINT8", [1, 4, 4], list(range(16)))
    assert scale["data"] == [0.5]
    assert raw.content[raw.described_bytes :] == arrays["image"].tobytes() + arrays["scale"].tobytes()


def test_texts_go_as_bytes_after_their_lengths():
    (body,) = tensor_bodies([{"name": np.array(["ab"], object)}], "binary")
    assert body.content.endswith(b"\x02\x00\x00\x00ab")
    assert json.loads(body.content[: body.described_bytes])["inputs"][0]["datatype"] == "BYTES"


def test_what_json_has_not_needs_bytes():
    with pytest.raises(RequestError, match=r"not finite.*--form binary"):
        tensor_bodies([{"x": np.float32([np.nan])}], "tensors")


def test_the_form_follows_the_model_where_it_is_left_open():
    assert form_of("auto", tensors=True) == "binary"
    assert form_of("auto", tensors=False) == "rows"
    assert form_of("tensors", tensors=True) == "tensors"


def test_a_servers_own_description_is_a_signature():
    told = {
        "platform": "golive_tensors",
        "inputs": [{"name": "image", "datatype": "UINT8", "shape": [-1, 4, 4]}],
        "outputs": [{"name": "scores", "datatype": "FP32", "shape": [-1, 3]}],
    }
    assert signature_of(told) == ROWS
    assert signature_of({"platform": "golive_onnx"}) is None
    with pytest.raises(DataError, match="name the bundle"):
        signature_of({"platform": "golive_tensors", "inputs": [{}]})


def test_arrays_for_a_model_of_rows_are_refused(tmp_path):
    table = Signature(inputs=(Field(name="a", dtype="float64"),), task="regression", target="y")
    with pytest.raises(UsageError, match="leave it out"):
        refuse_data(tmp_path / "some.npz", table)
    refuse_data(None, table)
    refuse_data(tmp_path / "some.npz", ROWS)
