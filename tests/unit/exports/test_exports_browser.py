"""The browser export without a browser: what it writes, what it refuses, and where its runtime comes from."""

import hashlib
import io
import json
import re
import tarfile
from base64 import b64encode
from pathlib import Path

import httpx
import msgspec
import onnx
import pytest
import tensor_models
from onnx import TensorProto, helper
from priced import AT, keep

from golive.adapters.exports.browser.export import BrowserExport, page_files, refuse_unknown, tolerance
from golive.adapters.exports.browser.image import Image, image_of
from golive.adapters.exports.browser.runtime import ONNXRUNTIME_WEB, Pinned, runtime_parts
from golive.adapters.exports.browser.single import one_file
from golive.domain.bundle import Bundle, Manifest
from golive.domain.preparation import Preparation, TextTerms, Tokens
from golive.domain.signature import Field, Signature
from golive.errors import DataError, DigestMismatchError, NotConvertibleError, UnavailableError, UsageError
from golive.settings import Settings, read_settings
from golive.store.bundles import BundleStore

CONTENT = {"a.mjs": b"export {};", "b.wasm": b"\0asm"}


def archive(content: dict[str, bytes] = CONTENT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as written:
        for name, data in content.items():
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(data)
            written.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def pinned_to(packed: bytes) -> Pinned:
    return Pinned(
        package="engine",
        version="1.2.3",
        integrity=b64encode(hashlib.sha512(packed).digest()).decode(),
        parts={name: hashlib.sha256(data).hexdigest() for name, data in CONTENT.items()},
    )


class Registry:
    """A registry that counts what it is asked for."""

    def __init__(self, content: bytes, status: int = 200) -> None:
        self.asked: list[str] = []
        self.content, self.status = content, status

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return httpx.Response(self.status, content=self.content)


def test_the_runtime_is_fetched_once_and_kept(tmp_path):
    packed = archive()
    registry = Registry(packed)
    for _ in range(2):
        found = runtime_parts(
            None, cache=tmp_path, registry="https://npm.test", pinned=pinned_to(packed), transport=registry.transport
        )
        assert found == CONTENT
    assert registry.asked == ["https://npm.test/engine/-/engine-1.2.3.tgz"]
    assert sorted(path.name for path in (tmp_path / "engine-1.2.3").iterdir()) == sorted(CONTENT)


def test_what_was_altered_in_the_cache_is_fetched_again(tmp_path):
    packed = archive()
    registry = Registry(packed)
    words = {"cache": tmp_path, "registry": "https://npm.test", "pinned": pinned_to(packed)}
    runtime_parts(None, **words, transport=registry.transport)
    (tmp_path / "engine-1.2.3" / "a.mjs").write_bytes(b"altered")
    assert runtime_parts(None, **words, transport=registry.transport) == CONTENT
    assert len(registry.asked) == 2


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path):
    packed = archive()
    (tmp_path / "cache").write_text("a file where the folder should be")
    found = runtime_parts(
        None,
        cache=tmp_path / "cache",
        registry="https://npm.test",
        pinned=pinned_to(packed),
        transport=Registry(packed).transport,
    )
    assert found == CONTENT


def test_a_registry_that_gives_other_bytes_is_refused_and_nothing_is_kept(tmp_path):
    with pytest.raises(DigestMismatchError, match=r"sha512 is another; run `npm pack engine@1\.2\.3`"):
        runtime_parts(
            None,
            cache=tmp_path,
            registry="https://npm.test",
            pinned=pinned_to(archive()),
            transport=Registry(b"something else").transport,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_does_not_answer_is_named_with_a_way_round_it(tmp_path):
    with pytest.raises(UnavailableError, match=r"https://npm\.test/engine/-/engine-1\.2\.3\.tgz .*--option ort="):
        runtime_parts(
            None,
            cache=tmp_path,
            registry="https://npm.test",
            pinned=pinned_to(archive()),
            transport=Registry(b"", 404).transport,
        )


@pytest.mark.parametrize("form", ["archive", "unpacked", "package", "dist"])
def test_the_runtime_is_read_from_what_npm_packs_or_unpacks(form, tmp_path):
    packed = archive()
    place = tmp_path / "given.tgz"
    place.write_bytes(packed)
    if form != "archive":
        with tarfile.open(place) as opened:
            opened.extractall(tmp_path, filter="data")
        place = {"unpacked": tmp_path, "package": tmp_path / "package", "dist": tmp_path / "package" / "dist"}[form]
    assert runtime_parts(place, cache=tmp_path / "none", registry="", pinned=pinned_to(packed)) == CONTENT


def test_a_runtime_of_another_version_is_refused(tmp_path):
    for name in CONTENT:
        (tmp_path / name).write_bytes(b"another version")
    with pytest.raises(DigestMismatchError, match=r"a\.mjs in .* is not that of engine 1\.2\.3"):
        runtime_parts(tmp_path, cache=tmp_path, registry="", pinned=pinned_to(archive()))


@pytest.mark.parametrize("name", ["absent.tgz", "."])
def test_a_place_without_the_runtime_is_refused(name, tmp_path):
    with pytest.raises(DataError, match=r"cannot be read .*npm pack engine"):
        runtime_parts(tmp_path / name, cache=tmp_path, registry="", pinned=pinned_to(archive()))


def test_the_registry_is_the_one_that_npm_is_told_of():
    assert read_settings({}).npm_registry == Settings().npm_registry == "https://registry.npmjs.org"
    assert read_settings({"npm_config_registry": "http://here.test/npm/"}).npm_registry == "http://here.test/npm"
    assert read_settings({"NPM_CONFIG_REGISTRY": "http://here.test"}).npm_registry == "http://here.test"


def pixels(rows: int, columns: int, *, first: int = 0, **words) -> Signature:
    fields = tuple(
        Field(name=f"pixel_{row}_{column}", dtype="float64", minimum=0.0, maximum=16.0 if row else 0.0, **words)
        for row in range(first, first + rows)
        for column in range(first, first + columns)
    )
    return Signature(inputs=fields, task="regression", target="y")


@pytest.mark.parametrize("first", [0, 1])
def test_fields_named_by_row_and_column_are_a_picture(first):
    expected = Image(rows=8, columns=5, low=0.0, high=16.0, steps=16)
    assert image_of(pixels(8, 5, first=first)) == expected


def test_other_tables_are_no_picture():
    eight = pixels(8, 8)
    assert image_of(pixels(2, 8)) is None
    assert image_of(Signature(inputs=eight.inputs[:-1], task="regression", target="y")) is None
    assert image_of(Signature(inputs=eight.inputs[::-1], task="regression", target="y")) is None
    assert image_of(Signature(inputs=(), task="tensors", target="y")) is None
    assert image_of(eight, "none") is None


def test_a_picture_can_be_declared_where_names_do_not_tell_it():
    fields = tuple(Field(name=f"x{number}", dtype="float64") for number in range(12))
    signature = Signature(inputs=fields, task="regression", target="y")
    assert image_of(signature, "3x4") == Image(rows=3, columns=4, low=0.0, high=1.0, steps=255)
    for asked, reason in (("5x5", "25 cells, but the model has 12 fields"), ("big", "is no size")):
        with pytest.raises(UsageError, match=reason):
            image_of(signature, asked)
    texts = Signature(inputs=(*fields[1:], Field(name="t", dtype="string")), task="regression", target="y")
    with pytest.raises(UsageError, match="'t' is none"):
        image_of(texts, "3x4")


def page(tmp_path: Path, **words: str) -> dict[str, bytes]:
    bundle, files = keep(tmp_path / "store", **words)
    return page_files(bundle, files, onnx.load_model_from_string(files["model.onnx"]), None)


def test_the_page_holds_the_model_its_description_and_rows_to_check_it(tmp_path):
    parts = page(tmp_path, task="classification")
    model, parity = (json.loads(parts[name]) for name in ("model.json", "parity.json"))
    assert [field["name"] for field in model["inputs"]] == ["area", "rooms", "sold", "hood", "garden"]
    assert json.loads(parts["page.json"]) == {"rows": len(parity["rows"]), "tolerance": 1e-9, "image": None}
    assert parts["model.onnx"] == keep(tmp_path / "again", task="classification")[1]["model.onnx"]
    assert parts == page(tmp_path / "other", task="classification")


def test_every_script_that_is_loaded_is_there_and_nothing_comes_from_another_host(tmp_path):
    parts = page(tmp_path)
    scripts = {name: content.decode() for name, content in parts.items() if name.endswith(".js")}
    assert "page/app.js" in scripts
    for name, text in scripts.items():
        for other in re.findall(r'from "\./([^"]+)"', text):
            assert f"page/{other}" in scripts, (name, other)
    markup = parts["index.html"].decode() + "".join(scripts.values()) + parts["page/style.css"].decode()
    assert not re.search(r"https?://", markup)
    assert {"page/app.js", "page/style.css"} <= set(re.findall(r'(?:src|href)="(page/[^"]+)"', markup))
    imported = re.findall(r'import\("\.\./ort/([^"]+)"\)', scripts["page/graph.js"])
    wasm = re.findall(r'"ort/([^"]+)"', scripts["page/graph.js"])
    assert sorted(imported + wasm) == sorted(name.replace(".mjs", ".js") for name in ONNXRUNTIME_WEB.parts)


def test_both_languages_have_the_same_sentences(tmp_path):
    words = page(tmp_path)["page/words.js"].decode()
    english, chinese = re.findall(r"const (?:ENGLISH|CHINESE) = \{(.*?)\n\};", words, re.DOTALL)
    keys = [re.findall(r"^  (\w+):", text, re.MULTILINE) for text in (english, chinese)]
    assert keys[0] == keys[1]
    used = set(
        re.findall(
            r"WORDS\.(\w+)", "".join(part.decode() for part in page(tmp_path / "b").values() if b"WORDS" in part)
        )
    )
    reasons = {"notANumber", "notFinite", "isMissing", "outOfRange", "notADate", "tooLong"}
    assert set(keys[0]) == used | reasons


def test_one_file_holds_everything_under_names_and_may_reach_nothing(tmp_path):
    parts = {**page(tmp_path), "ort/ort.wasm.bundle.min.js": b"export {};", "ort/ort-wasm-simd-threaded.wasm": b"\0asm"}
    single = one_file(parts).decode()
    names = json.loads(re.search(r'<script type="importmap">(.*?)</script>', single)[1])["imports"]
    assert set(names) == {f"golive/{name.removeprefix('page/')}" for name in parts if name.endswith("js")}
    inside = set(re.findall(r'data-part="([^"]+)"', single))
    assert inside == {"model.onnx", "model.json", "parity.json", "page.json", "ort/ort-wasm-simd-threaded.wasm"}
    assert 'src="page/' not in single
    assert 'href="page/' not in single
    rules = re.search(r'Content-Security-Policy" content="([^"]*)"', single)[1]
    assert "default-src 'none'" in rules
    assert "connect-src" not in rules
    style = re.search(r"<style>(.*?)</style>", single, re.DOTALL)[1]
    assert f"style-src 'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in rules


def bundle_of(preparation: Preparation, *fields: Field) -> Bundle:
    signature = Signature(inputs=fields, task="regression", target="y")
    return Bundle(
        digest="sha256:0", manifest=Manifest(name="asked", signature=signature, preparation=preparation), files=()
    )


def graph(domain: str = "", opset: int = 21) -> onnx.ModelProto:
    nodes = [helper.make_node("Fused", ["x"], ["P"], domain=domain)] if domain else []
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(helper.make_graph(nodes, "g", [], []), opset_imports=opsets)


def test_words_cut_by_an_expression_of_python_alone_are_refused():
    def bundle(**tokens: str) -> Bundle:
        step = TextTerms(column="review", into=("t",), tokens=Tokens(**tokens))
        return bundle_of(Preparation(steps=(step,), numbers=("t",)), Field(name="review", dtype="string"))

    refuse_unknown(bundle(), graph())
    refuse_unknown(bundle(analyzer="char", pattern="[a-z]+"), graph())
    with pytest.raises(NotConvertibleError, match=r"'review' is cut into words by the expression '\[a-z\]\+'"):
        refuse_unknown(bundle(pattern="[a-z]+"), graph())


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (graph("com.microsoft.nchwc"), "operator Fused of com.microsoft.nchwc"),
        (graph("mine"), "operator Fused of mine"),
        (graph(opset=27), "opset 27"),
    ],
)
def test_a_graph_that_the_browser_cannot_run_is_refused_by_name(model, reason):
    plain = bundle_of(Preparation(), Field(name="x", dtype="float64"))
    refuse_unknown(plain, graph("com.microsoft"))
    with pytest.raises(NotConvertibleError, match=f"{reason}.*export 'asked' as script or onnx"):
        refuse_unknown(plain, model)


def test_a_function_that_the_graph_brings_along_is_no_unknown_operator():
    model = graph("mine")
    body = [helper.make_node("Identity", ["a"], ["b"])]
    opsets = [helper.make_opsetid("", 21)]
    model.functions.append(helper.make_function("mine", "Fused", ["a"], ["b"], body, opsets))
    refuse_unknown(bundle_of(Preparation(), Field(name="x", dtype="float64")), model)


def test_refusals_come_before_anything_is_written_or_fetched(tmp_path):
    half = tensor_models.half()
    files = {"model.onnx": half}
    bundle = BundleStore(tmp_path / "store").write(tensor_models.manifest_of("asked", half), files, created_at=AT)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(NotConvertibleError, match="'x' is float16"):
        BrowserExport().write(bundle, files, out, {})
    with pytest.raises(UsageError, match="no option 'size'"):
        BrowserExport().write(*keep(tmp_path / "other"), out, {"size": "8x8"})
    with pytest.raises(UsageError, match="single='maybe' is neither yes nor no"):
        BrowserExport().write(*keep(tmp_path / "third"), out, {"single": "maybe"})
    with pytest.raises(DataError, match="absent"):
        BrowserExport().write(*keep(tmp_path / "fourth"), out, {"ort": str(tmp_path / "absent")})
    assert list(out.iterdir()) == []


def test_a_graph_with_narrow_weights_is_checked_within_what_single_precision_can_keep(tmp_path):
    content = tensor_models.mlp()
    files = {"model.onnx": content}
    bundle = BundleStore(tmp_path / "store").write(tensor_models.manifest_of("asked", content), files, created_at=AT)
    parts = page_files(bundle, files, onnx.load_model_from_string(content), None)
    assert json.loads(parts["page.json"]) == {"rows": 3, "tolerance": 1e-5, "image": None}
    assert json.loads(parts["model.json"])["inputs"][0]["shape"] == [None, 6]
    weights = onnx.load_model_from_string(content).graph.initializer
    assert {each.data_type for each in weights} == {TensorProto.FLOAT}


@pytest.mark.parametrize(("runtime", "within"), [("onnxruntime", 1e-9), ("compiled", 1e-9), ("openvino", 1e-5)])
def test_a_runtime_of_single_precision_is_compared_as_such(runtime, within):
    plain = bundle_of(Preparation(), Field(name="x", dtype="float64"))
    assert (
        tolerance(
            msgspec.structs.replace(plain, manifest=msgspec.structs.replace(plain.manifest, runtime=runtime)), graph()
        )
        == within
    )
