"""Mapped: what is kept of big graphs is what was written, or is written anew; what nobody uses goes."""

import os

import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper
from tensor_models import graph_of, weights

from golive.adapters.runtimes.mapped import mapped

DAY_S = 86_400.0


@pytest.fixture(scope="module")
def graph():
    nodes = [helper.make_node("MatMul", ["x", "W"], ["y"])]
    return graph_of(nodes, [("x", T.FLOAT, ["n", 64])], [("y", T.FLOAT, ["n", 64])], {"W": weights(64, 64)})


def kept(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_graph_is_written_once_with_its_weights_beside_it(graph, tmp_path):
    first = mapped(onnxruntime, graph, tmp_path)
    written = (first.parent / "weights.bin").stat().st_mtime_ns
    assert mapped(onnxruntime, graph, tmp_path) == first
    assert (first.parent / "weights.bin").stat().st_mtime_ns == written
    assert kept(first.parent) == ["digests", "model.onnx", "weights.bin"]


@pytest.mark.parametrize("name", ["weights.bin", "model.onnx", "digests"])
def test_a_changed_byte_is_found_and_mended(graph, tmp_path, name, caplog):
    place = mapped(onnxruntime, graph, tmp_path).parent
    whole = (place / name).read_bytes()
    changed = bytearray(whole)
    changed[len(changed) // 2] ^= 1
    (place / name).write_bytes(changed)
    assert mapped(onnxruntime, graph, tmp_path).parent == place
    assert (place / name).read_bytes() == whole
    assert "damaged and is written anew" in caplog.text
    assert kept(tmp_path) == [place.name]


def test_a_file_that_is_gone_or_was_added_is_mended(graph, tmp_path):
    place = mapped(onnxruntime, graph, tmp_path).parent
    (place / "weights.bin").unlink()
    mapped(onnxruntime, graph, tmp_path)
    (place / "more.bin").write_bytes(b"?")
    mapped(onnxruntime, graph, tmp_path)
    assert kept(place) == ["digests", "model.onnx", "weights.bin"]


def test_graphs_that_nobody_opened_for_a_month_go_when_another_one_comes(graph, tmp_path):
    unused, used = tmp_path / ("0" * 64), tmp_path / ("1" * 64)
    leftover = tmp_path / ".unfinished-abc"
    for path in (unused, used, leftover):
        path.mkdir()
        (path / "weights.bin").write_bytes(b"...")
    for path, days in ((unused, 31), (used, 29), (leftover, 31)):
        os.utime(path, (1000 * DAY_S - days * DAY_S,) * 2)
    place = mapped(onnxruntime, graph, tmp_path, now_s=1000 * DAY_S).parent
    assert kept(tmp_path) == sorted([used.name, place.name])
    assert place.stat().st_mtime == 1000 * DAY_S


def test_bytes_that_are_no_graph_leave_nothing(tmp_path):
    with pytest.raises(Exception, match=r"(?i)protobuf|parse|invalid"):
        mapped(onnxruntime, b"no graph", tmp_path)
    assert kept(tmp_path) == []
