"""Pickles and files of joblib: what they would load is read from their instructions; nothing of them is loaded."""

import io
import os
import pickle
import struct

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from golive.adapters.formats.joblib import JoblibFormat
from golive.adapters.formats.opcodes import HIDDEN, listing
from golive.adapters.formats.packed import MOST_AT_ONCE, Packed
from golive.errors import DataError

FOREST = {
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.tree._tree.Tree",
}


class Bomb:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


@pytest.fixture(scope="module")
def forest():
    rows, species = load_iris(return_X_y=True)
    return make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=0)).fit(rows, species)


def listed(content: bytes):
    return listing(Packed(io.BytesIO(content)))


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_a_file_of_joblib_is_listed_however_it_is_packed(tmp_path, forest, compress):
    path = tmp_path / "model.joblib"
    joblib.dump(forest, path, compress=compress)
    file = JoblibFormat().read(path)
    assert set(file.loads) >= FOREST
    assert file.saved_by.keys() == {"scikit-learn"}


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_listed_in_every_protocol(forest, protocol):
    assert set(listed(pickle.dumps(forest, protocol)).loads) >= FOREST


def test_arrays_of_objects_and_what_stands_after_them_are_listed(tmp_path):
    path = tmp_path / "model.joblib"
    joblib.dump([np.array(["a", None, {1}], object), np.arange(3.0), OneHotEncoder()], path)
    assert "sklearn.preprocessing._encoders.OneHotEncoder" in JoblibFormat().read(path).loads


@pytest.mark.parametrize("protocol", range(6))
def test_a_bomb_is_named_and_does_not_go_off(tmp_path, protocol):
    mark = tmp_path / "gone off"
    assert listed(pickle.dumps(Bomb(os.system, f"touch '{mark}'"), protocol)).loads == ("posix.system",)
    assert not mark.exists()


def test_names_that_hide_behind_the_memo_are_found():
    hidden = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x30\x30\x68\x00\x68\x01\x93."
    assert listed(hidden).loads == ("posix.system",)
    built = b"\x80\x04cbuiltins\nstr\n)R\x8c\x06system\x93."
    assert listed(built).loads == ("builtins.str", HIDDEN)


def test_a_list_that_holds_itself_is_followed_to_its_end():
    endless: list = []
    endless.append(endless)
    assert listed(pickle.dumps(endless)).loads == ()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_was_cut_short_is_refused(forest, protocol):
    content = pickle.dumps(forest, protocol)
    for end in (0, 1, 10, len(content) // 2, len(content) - 1):
        with pytest.raises(DataError, match="it is no pickle that can be read, or one that was cut short"):
            listed(content[:end])


def test_random_bytes_are_refused_with_the_file_s_name(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(np.random.default_rng(0).bytes(4000))
    with pytest.raises(DataError, match=r"model.pkl cannot be imported: it is no pickle"):
        JoblibFormat().read(path)


@pytest.mark.parametrize(
    "content", [b"\x78\x9cnonsense", b"\x1f\x8bnonsense", b"BZh9nonsense", b"\xfd7zXZ\x00nonsense"]
)
def test_damaged_compressed_bytes_are_refused(content):
    with pytest.raises(DataError, match=r"its compressed bytes are damaged|cut short"):
        listed(content)


def test_a_length_that_no_file_holds_takes_no_memory():
    with pytest.raises(DataError, match=r"an instruction asks for .* bytes at once"):
        listed(b"\x80\x05\x8e" + struct.pack("<Q", MOST_AT_ONCE + 1))


def test_an_array_longer_than_the_file_is_refused(tmp_path):
    path = tmp_path / "model.joblib"
    joblib.dump(np.arange(1000.0), path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match="the file ends inside an array"):
        JoblibFormat().read(path)


@pytest.mark.parametrize(
    ("name", "known"), [("m.joblib", True), ("m.pkl.gz", True), ("M.PKL", True), ("m.onnx", False), ("pkl", False)]
)
def test_files_are_recognized_by_their_names(tmp_path, name, known):
    path = tmp_path / name
    path.write_bytes(b"x")
    assert JoblibFormat().recognizes(path) is known
