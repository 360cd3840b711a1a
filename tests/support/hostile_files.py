"""Files that somebody sends and nobody should have to fear: how each is made, and what is said about it.

Each writer gets a path and the path of a marker; whoever runs code of the file would make the marker.
"""

import io
import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PROGRAM = Path(__file__).with_name("import_each.py")
HUGE = 1 << 62
Writer = Callable[[Path, Path], object]


def _graph(nodes: list[onnx.NodeProto], *constants: TensorProto, ranks: int = 2) -> bytes:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] + [1] * (ranks - 1)) for name in "xy"]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def _onnx(*nodes: tuple[str, list[str]], **constants: np.ndarray) -> Writer:
    made = [
        helper.make_node(kind, reads, ["y" if place + 1 == len(nodes) else f"t{place}"])
        for place, (kind, reads) in enumerate(nodes)
    ]
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return lambda path, _: path.write_bytes(_graph(made, *stored))


def _external(location: str) -> Writer:
    def write(path: Path, marker: Path) -> None:
        marker.with_name("secret.bin").write_bytes(bytes(64))
        path.parent.mkdir(exist_ok=True)
        if location == "link.bin":
            path.with_name(location).symlink_to(marker.with_name("secret.bin"))
        weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
        weights.external_data.add(key="location", value=location)
        path.write_bytes(_graph([helper.make_node("Mul", ["x", "w"], ["y"])], weights))

    return write


def _claimed(dims: list[int]) -> Writer:
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=bytes(16))
    return lambda path, _: path.write_bytes(_graph([helper.make_node("Mul", ["x", "w"], ["y"])], weights))


def _nested(path: Path, _: Path) -> None:
    """Write messages inside each other, two thousand deep: a graph in an attribute of a node of a graph."""
    inner = b""
    for _depth in range(2000):
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            inner = tag + _varint(len(inner)) + inner
    path.write_bytes(b"\x08\x08\x3a" + _varint(len(inner)) + inner)


def _varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(0x80 | number & 0x7F)
        number >>= 7
    return bytes([*octets, number])


class Spiteful:
    """Calls something when it is loaded."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.called = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.called


def _spiteful(path: Path, marker: Path) -> None:
    path.write_bytes(pickle.dumps(Spiteful(os.mkdir, str(marker))))


def _memo(path: Path, _: Path) -> None:
    """Write a hundred lists, each of them twice the one before: few instructions, 2**100 items to whoever looks in."""
    path.write_bytes(b"\x80\x04]\x94" + b"".join(b"]\x94(h%ch%ce" % (n, n) for n in range(100)) + b".")


def _deep(path: Path, _: Path) -> None:
    path.write_bytes(b"\x80\x04" + b"]" * 50_000 + b"a" * 49_999 + b".")


def _long(path: Path, _: Path) -> None:
    path.write_bytes(b"\x80\x04\x8d" + HUGE.to_bytes(8, "little") + b"a.")


def _texts(path: Path, _: Path) -> None:
    """Write fifty texts of 32 MB each, packed: whoever keeps them needs gigabytes."""
    length = 1 << 25
    packer = zlib.compressobj(9)
    with path.open("wb") as file:
        file.write(packer.compress(b"\x80\x04"))
        for _text in range(50):
            file.write(packer.compress(b"X" + length.to_bytes(4, "little")))
            for _block in range(length >> 22):
                file.write(packer.compress(b"a" * (1 << 22)))
        file.write(packer.compress(b"."))
        file.write(packer.flush())


def _bomb(inside: str, *others: tuple[str, bytes]) -> Writer:
    def write(path: Path, _: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in others:
                archive.writestr(name, content)
            with archive.open(inside, "w", force_zip64=True) as member:
                for _block in range(192):
                    member.write(bytes(1 << 22))

    return write


def _mlflow(path: Path, marker: Path) -> None:
    path.mkdir()
    (path / "MLmodel").write_text("flavors: {sklearn: {pickled_model: model.pkl, sklearn_version: '0.1'}}\n", "utf-8")
    _spiteful(path / "model.pkl", marker)


def _laughing(path: Path, _: Path) -> None:
    path.mkdir()
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (path / "MLmodel").write_text("\n".join([*lines, "flavors: *a11"]), "utf-8")


def _npy(path: Path, _: Path) -> None:
    """Write a joblib pickle whose array of objects is another pickle."""
    content = io.BytesIO()
    np.save(content, np.array([Spiteful(os.getcwd)], dtype=object), allow_pickle=True)
    path.write_bytes(content.getvalue())


def _gone(path: Path, _: Path) -> None:
    path.write_bytes(b"\x80\x04csklearn.linear_model.stochastic_gone\nSGDOfYore\n)\x81.")


def _absent(path: Path, _: Path) -> None:
    path.write_bytes(b"\x80\x04ca_module_of_somebody\nModel\n)\x81.")


ONE = np.ones((1, 1), np.float32)
WIDE = np.array([1 << 40, 1])
OUTSIDE = "which is not a file in the model's own folder"
MEMORY = r"does not run in the memory there is|cannot open it|which ended its process|would require more than"
READABLE = r"is no model file that golive reads; installed formats: .*onnx"

REFUSED: dict[str, tuple[Writer, str]] = {
    "outside/absolute.onnx": (_external("/etc/hostname"), OUTSIDE),
    "outside/parent.onnx": (_external("../secret.bin"), OUTSIDE),
    "outside/link.onnx": (_external("link.bin"), OUTSIDE),
    "claimed.onnx": (_claimed([HUGE]), r"declares the shape|shapes? of more|cannot open it"),
    "filled.onnx": (_onnx(("ConstantOfShape", ["s"]), ("Add", ["x", "t0"]), s=WIDE), MEMORY),
    "nested.onnx": (_nested, r"no ONNX file, or one that was cut short|deep inside each other|hold no graph"),
    "text.onnx": (lambda path, _: path.write_text("dear reader"), "no ONNX file, or one that was cut short"),
    "empty.onnx": (lambda path, _: path.touch(), "its 0 bytes hold no graph"),
    "folder.onnx": (lambda path, _: path.mkdir(), READABLE),
    "pipe.onnx": (lambda path, _: os.mkfifo(path), READABLE),
    "endless.onnx": (lambda path, _: path.symlink_to("/dev/zero"), READABLE),
    "spiteful.pkl": (_spiteful, r"runs code when it is loaded: it would call .*mkdir"),
    "memo.pkl": (_memo, r"it would call nothing"),
    "deep.pkl": (_deep, r"runs code|is no pickle that can be read|inside each other"),
    "long.pkl": (_long, r"an instruction asks for 4611686018427387904 bytes at once"),
    "text.pkl": (lambda path, _: path.write_text("dear reader"), "is no pickle that can be read"),
    "empty.pkl": (lambda path, _: path.touch(), "is no pickle that can be read, or one that was cut short"),
    "pipe.pkl": (lambda path, _: os.mkfifo(path), READABLE),
    "endless.joblib": (lambda path, _: path.symlink_to("/dev/zero"), READABLE),
    "objects.joblib": (_npy, r"is no pickle that can be read"),
    "logged": (_mlflow, r"runs code when it is loaded: it would call .*mkdir"),
    "laughing": (_laughing, r"flavors|cannot be read as the description of an MLflow model"),
    "bomb.skops": (
        _bomb("schema.json"),
        r"bomb\.skops unpacks from .* bytes of them text|805,306,368 of them text|golive\[skops\]",
    ),
    "bomb.keras": (_bomb("model.weights.h5", ("config.json", b"{}"), ("metadata.json", b"{}")), r"bomb\.keras"),
    "bomb.pt": (
        _bomb("net/data.pkl", ("net/version", b"3"), ("net/constants.pkl", b"\x80\x02)."), ("net/code/x.py", b"")),
        r"bomb\.pt",
    ),
    "bomb.pt2": (_bomb("net/models/model.json", ("net/archive_format", b"pt2"), ("net/version", b"0")), r"bomb\.pt2"),
}
"""Path -> how it is written, and what is said where it is imported without ``--trust``."""

LONG: dict[str, tuple[Writer, str]] = {
    "expanded.onnx": (_onnx(("Expand", ["o", "s"]), ("Add", ["x", "t0"]), o=ONE, s=WIDE), MEMORY),
    "tiled.onnx": (_onnx(("Tile", ["o", "s"]), ("Add", ["x", "t0"]), o=ONE, s=WIDE), MEMORY),
    "negative.onnx": (_claimed([-1, 4]), r"declares the shape|cannot open it"),
    "texts.pkl": (_texts, r"runs code when it is loaded: it would call nothing"),
    "deeper.pkl": (lambda path, _: path.write_bytes(b"\x80\x04" + b"]" * 1_000_000 + b"."), r"deeper\.pkl"),
    "many.pkl": (lambda path, _: path.write_bytes(b"\x80\x04" + b"N0" * (1 << 24) + b"N."), r"instructions"),
}
"""The same for those that take longer to refuse."""

TRUSTED: dict[str, tuple[Writer, str]] = {
    "gone.pkl": (_gone, r"stochastic_gone"),
    "absent.pkl": (_absent, r"needs the module 'a_module_of_somebody', which is not installed"),
    "big.pkl": (lambda path, _: path.write_bytes(pickle.dumps(Spiteful(bytearray, 1 << 42))), "MemoryError"),
}
"""The same for those that are imported with ``--trust``."""


def imported(folder: Path, files: dict[str, Any], *words: str) -> dict[str, Any]:
    """Write the files, import each with the command, and give what came of them."""
    for name, (write, _) in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        write(folder / name, folder / "marker")
    sample = folder / "sample.csv"
    sample.write_text("a,answer\n" + "".join(f"{row},{row % 2}\n" for row in range(10)), "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GOLIVE_")}
    done = subprocess.run(
        [sys.executable, PROGRAM, folder, sample, *words, *files],
        env=environment | {"GOLIVE_HOME": str(folder / "home")},
        capture_output=True,
        check=False,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {**json.loads(done.stdout), "folder": folder}


def is_refused(told: dict[str, Any], name: str, words: str) -> None:
    said = " ".join(told["said"].split())
    assert told["code"] == 2, told
    assert told["printed"] == ""
    assert said.startswith("error: ")
    assert Path(name).name in said or "the graph, run on 10 rows" in said
    assert "Traceback" not in said
    assert len(said) < 3000
    assert re.search(words, said), said
