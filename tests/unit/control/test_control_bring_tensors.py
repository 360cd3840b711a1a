"""A network's file with arrays for its inputs: what is read of them, and what is refused before anything is loaded."""

import numpy as np
import pandas as pd
import pytest
from tensor_models import mlp
from typer.testing import CliRunner

import golive
from golive.adapters.formats.keras import KerasFormat
from golive.adapters.formats.torch import TorchFormat
from golive.cli.app import build_app
from golive.control.arrays import read_arrays
from golive.control.bringing.bring_tensors import is_of_arrays
from golive.errors import DataError, UsageError
from golive.ports import NetworkFormat


def test_arrays_are_told_from_tables():
    assert is_of_arrays("some/SAMPLE.npz")
    assert is_of_arrays({"x": np.zeros((2, 3))})
    assert is_of_arrays(np.zeros((2, 3, 4)))
    assert not is_of_arrays("sample.csv")
    assert not is_of_arrays(pd.DataFrame({"x": [1]}))
    assert not is_of_arrays(None)


def test_arrays_by_name_are_read_as_they_were_written(tmp_path):
    np.savez(tmp_path / "sample.npz", ids=np.arange(6).reshape(2, 3), x=np.ones((2, 1), np.float32))
    found = read_arrays(tmp_path / "sample.npz")
    assert [(name, array.dtype, array.shape) for name, array in found.items()] == [
        ("ids", np.int64, (2, 3)),
        ("x", np.float32, (2, 1)),
    ]


def test_files_that_are_no_arrays_by_name_are_refused(tmp_path):
    np.savez(tmp_path / "objects.npz", x=np.array([{"a": 1}], dtype=object))
    np.savez(tmp_path / "whole.npz", x=np.ones(1000))
    content = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[: len(content) // 2])
    (tmp_path / "other.npz").write_bytes(b"no arrays")
    np.save(tmp_path / "nameless.npy", np.ones(3))
    (tmp_path / "nameless.npy").rename(tmp_path / "nameless.npz")
    for name in ("objects", "cut", "other", "absent", "nameless"):
        with pytest.raises(DataError, match=rf"{name}\.npz cannot be read as arrays by name .*numpy\.savez"):
            read_arrays(tmp_path / f"{name}.npz")


def test_formats_of_networks_take_arrays():
    assert isinstance(TorchFormat(), NetworkFormat)
    assert isinstance(KerasFormat(), NetworkFormat)


WORDS = {
    "threshold": 0.3,
    "labels": {0: "no"},
    "top_k": 2,
    "unit": "EUR",
    "target_transform": "log1p",
}


@pytest.fixture
def graph(tmp_path):
    (tmp_path / "net.onnx").write_bytes(mlp())
    return tmp_path / "net.onnx"


@pytest.mark.parametrize("word", WORDS)
def test_words_about_answers_are_refused_for_tensors_and_never_ignored(word, graph, tmp_path):
    said = {word: WORDS[word], "home": str(tmp_path / "home")}
    with pytest.raises(UsageError, match="are left as they are; leave out threshold, labels and the like"):
        golive.package(object(), sample={"x": np.zeros((2, 6))}, name="net", **said)
    with pytest.raises(
        UsageError, match=r"net\.onnx comes in as tensors, whose answers are left as they are; leave out"
    ):
        golive.import_model(graph, sample={"x": np.zeros((2, 6))}, name="net", **said)


def test_words_about_answers_are_refused_for_a_graph_without_a_sample(graph, tmp_path):
    with pytest.raises(UsageError, match=r"net\.onnx comes in as tensors, whose answers are left as they are"):
        golive.import_model(graph, name="net", unit="EUR", home=str(tmp_path / "home"))


def test_a_file_of_no_network_takes_no_arrays(graph, tmp_path):
    home = str(tmp_path / "home")
    with pytest.raises(
        UsageError, match=r"is read by the format 'onnx', which takes no arrays as a sample; give a table"
    ):
        golive.import_model(graph, sample={"x": np.zeros((2, 6))}, name="net", home=home)
    with pytest.raises(UsageError, match=r"for networks that come in with arrays; give --sample FILE\.npz"):
        golive.import_model(graph, name="net", outputs=["score"], home=home)


def test_axes_are_written_as_numbers(graph):
    words = ["import", str(graph), "--name", "net", "--sample", "a.npz", "--open-axes", "x=first"]
    told = CliRunner().invoke(build_app(), words)
    assert told.exit_code == 2
    assert "--open-axes x=first names no axes; write their numbers" in " ".join(told.output.split())
