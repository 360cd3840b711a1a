"""Files of networks are looked through and refused or let pass without torch or Keras."""

import json
import os
import pickle
import zipfile
from collections import OrderedDict

import pytest

from golive.adapters.formats.archive import MOST_ENTRIES, Archive
from golive.adapters.formats.declared import declared
from golive.adapters.formats.keras import KerasFormat
from golive.adapters.formats.torch import OPERATOR, SIZE, TorchFormat
from golive.domain.network import network
from golive.errors import DataError, UsageError
from golive.packaging.network_file import NetworkFile

PROGRAM = {"nodes": [{"target": "torch.ops.aten.linear.default"}], "s": {"expr_str": "Symbol('s31', positive=True)"}}


def zipped(path, parts, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def program(path, document, more=None):
    return zipped(path, {"m/archive_format": "pt2", "m/models/model.json": json.dumps(document), **(more or {})})


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def test_a_pickle_of_torch_save_is_refused_with_what_it_would_call_and_not_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = zipped(tmp_path / "m.pth", {"m/data.pkl": pickle.dumps(Bomb(), protocol=2)})
    with pytest.raises(DataError, match=r"would call (posix|nt)\.system\); .*torch\.export\.save"):
        TorchFormat().read(path)
    assert not (tmp_path / "exploded").exists()


def test_weights_alone_are_refused_with_the_remedy(tmp_path):
    path = zipped(tmp_path / "m.pth", {"m/data.pkl": pickle.dumps(OrderedDict(), protocol=2)})
    with pytest.raises(DataError, match="holds weights without a network: load them into it first"):
        TorchFormat().read(path)
    (tmp_path / "m.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    assert TorchFormat().recognizes(tmp_path / "m.safetensors")
    with pytest.raises(DataError, match="holds weights without a network"):
        TorchFormat().read(tmp_path / "m.safetensors")


def test_a_pickle_of_an_old_torch_is_refused(tmp_path):
    (tmp_path / "m.pt").write_bytes(pickle.dumps(Bomb(), protocol=2))
    assert TorchFormat().recognizes(tmp_path / "m.pt")
    with pytest.raises(DataError, match="is a pickle of an old PyTorch"):
        TorchFormat().read(tmp_path / "m.pt")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"nodes": [{"target": "torch.os.system"}]}, r"calls 'torch\.os\.system', which is no operator"),
        ({"nodes": [{"target": "torch.ops.aten.from_file.default"}]}, "which is no operator"),
        ({"nodes": [{"target": "#extension:thing"}]}, "which is no operator"),
        ({"size": {"expr_str": "__import__('os').system('x')"}}, "which is no arithmetic"),
        ({"size": {"expr_str": 7}}, "which is no arithmetic"),
        ({"config": {"w": {"use_pickle": True}}}, "holds a pickle, and loading one runs code"),
    ],
)
def test_a_program_that_could_run_code_is_refused(tmp_path, document, says):
    with pytest.raises(DataError, match=says):
        TorchFormat().read(program(tmp_path / "m.pt2", document))


def test_a_program_with_compiled_code_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds compiled code"):
        TorchFormat().read(program(tmp_path / "m.pt2", PROGRAM, {"m/data/aotinductor/model/a.so": b"\x7fELF"}))


def test_a_document_that_never_ends_nesting_is_refused(tmp_path):
    deep = "[" * 100_000
    path = zipped(tmp_path / "m.pt2", {"m/archive_format": "pt2", "m/models/model.json": deep})
    with pytest.raises(DataError, match="is no JSON"):
        TorchFormat().read(path)


def test_sizes_and_operators_of_real_networks_pass():
    for size in (
        "s31",
        "Symbol('s31', positive=True, integer=True)",
        "Mul(Integer(2), Symbol('s0'))",
        "Max(1, s0 - 2)",
    ):
        assert SIZE.fullmatch(size)
    for name in ("torch.ops.aten._native_batch_norm_legit_no_training.default", "_operator.getitem", "torch.sym_max"):
        assert OPERATOR.fullmatch(name)
    assert SIZE.fullmatch("s1" * 20_000 + "x") is None


def test_a_script_that_touches_files_is_refused(tmp_path):
    code = b"def forward(self, x):\n  return torch.from_file('/etc/passwd')"
    path = zipped(tmp_path / "m.pt", {"m/constants.pkl": b"", "m/data.pkl": b"", "m/code/__torch__/net.py": code})
    with pytest.raises(DataError, match="reads or writes files"):
        TorchFormat().read(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = zipped(tmp_path / "m.keras", {"config.json": b"0" * (66 << 20)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match="it is made to do harm"):
        Archive(path)
    assert MOST_ENTRIES < 1_000_000


def test_a_cut_file_is_refused(tmp_path):
    whole = program(tmp_path / "m.pt2", PROGRAM).read_bytes()
    (tmp_path / "m.pt2").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="get a whole copy"):
        TorchFormat().read(tmp_path / "m.pt2")


def test_a_zip_of_something_else_is_no_network(tmp_path):
    with pytest.raises(DataError, match="without a network of PyTorch"):
        TorchFormat().read(zipped(tmp_path / "m.pt", {"a/readme.txt": b"hello"}))


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ({"class_name": "Lambda", "module": "keras.layers", "config": {}}, "has a Lambda layer"),
        ({"class_name": "system", "module": "os", "config": {}}, r"needs os\.system, which is not Keras' own"),
        ({"class_name": "Mine", "module": None, "registered_name": "team>Mine"}, "which is not Keras' own"),
    ],
)
def test_a_keras_file_with_code_of_its_own_is_refused(tmp_path, layer, says):
    model = {"class_name": "Sequential", "module": "keras", "config": {"layers": [layer]}}
    with pytest.raises(DataError, match=says):
        KerasFormat().read(zipped(tmp_path / "m.keras", {"config.json": json.dumps(model)}))


def test_a_declaration_beside_a_file_is_read_and_a_wrong_one_refused(tmp_path):
    file = NetworkFile(path=tmp_path / "m.pt", kind="torchscript")
    assert declared(file) is None
    beside = tmp_path / "m.pt.golive.json"
    beside.write_text('{"gives": "logits", "classes": [0, 1], "shape": [1, 8, 8]}')
    assert declared(file) == network(file, gives="logits", classes=(0, 1), shape=(1, 8, 8))
    for wrong in ('{"gives": "logits"}', '{"gives": "dreams"}', '{"gives": "values", "before": 1}', "{"):
        beside.write_text(wrong)
        with pytest.raises(DataError, match=r"m\.pt\.golive\.json does not say what the network gives"):
            declared(file)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"gives": "dreams"}, "one of values, logits, probabilities"),
        ({"gives": "logits", "classes": ("a",)}, "at least two"),
        ({"gives": "logits", "classes": ("a", "a")}, "occurs twice"),
        ({"gives": "values", "classes": ("a", "b")}, "has no classes"),
        ({"gives": "logits", "classes": ("a", "b"), "scale": 2.0}, "scale and shift are for networks that give values"),
        ({"gives": "values", "shape": (0, 3)}, "the lengths of one row's axes"),
        ({"gives": "values", "scale": 0.0}, "scale not 0"),
        ({"gives": "values", "reads": "float16"}, "reads one of float32, float64, int64, int32"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(words, says):
    with pytest.raises(UsageError, match=says):
        network(object(), **words)
