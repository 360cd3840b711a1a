import errno
import itertools
import json
import resource
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from golive.domain.bundle import Bundle, Lineage, Manifest
from golive.domain.digest import Digest
from golive.domain.evidence import Evidence, Measure
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.errors import DigestMismatchError, NotFoundError, UnavailableError, UsageError, VerificationError
from golive.store.blobs import Blobs
from golive.store.bundles import BundleStore
from golive.store.files import refused

AT = "2026-01-01T00:00:00+00:00"
SIGNATURE = Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price")
MANIFEST = Manifest(name="houses", signature=SIGNATURE, preparation=Preparation(numbers=("area",)))
FILES = {"model.onnx": b"graph", "profile.json": b"{}", "extra/notes.txt": b""}


@pytest.fixture
def store(tmp_path):
    return BundleStore(tmp_path / "store")


def blob_path(folder, digest):
    return folder / "blobs" / "sha256" / digest.removeprefix("sha256:")


def test_a_bundle_reads_back_as_it_was_written(store):
    bundle = store.write(MANIFEST, FILES, created_at=AT)
    assert bundle.manifest == MANIFEST
    assert bundle.created_at == AT
    assert {entry.path: entry.size for entry in bundle.files} == {path: len(data) for path, data in FILES.items()}
    assert store.files(bundle) == FILES
    assert store.list() == (bundle,)


def test_equal_content_has_the_equal_digest_whenever_it_is_written(store, tmp_path):
    first = store.write(MANIFEST, FILES, created_at=AT)
    again = store.write(MANIFEST, dict(reversed(FILES.items())), created_at="2030-01-01T00:00:00+00:00")
    elsewhere = BundleStore(tmp_path / "other").write(MANIFEST, FILES, created_at="2031-01-01T00:00:00+00:00")
    assert first == again
    assert elsewhere.digest == first.digest
    assert len(store.list()) == 1


@pytest.mark.parametrize(
    ("manifest", "files"),
    [
        (MANIFEST, FILES | {"model.onnx": b"grapi"}),
        (MANIFEST, FILES | {"more": b""}),
        (Manifest(name="flats", signature=SIGNATURE, preparation=MANIFEST.preparation), FILES),
        (
            Manifest(name="houses", signature=SIGNATURE, preparation=MANIFEST.preparation, lineage=Lineage(seed=1)),
            FILES,
        ),
    ],
)
def test_any_other_content_has_another_digest(store, manifest, files):
    assert store.write(MANIFEST, FILES, created_at=AT).digest != store.write(manifest, files, created_at=AT).digest


def test_the_folder_is_an_oci_layout_with_a_model_artifact(store, tmp_path):
    bundle = store.write(MANIFEST, FILES, created_at=AT)
    folder = tmp_path / "store"
    assert json.loads((folder / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads((folder / "index.json").read_bytes())["manifests"]
    image = json.loads(blob_path(folder, entry["digest"]).read_bytes())
    assert entry["digest"] == bundle.digest
    assert entry["size"] == blob_path(folder, entry["digest"]).stat().st_size
    assert image["schemaVersion"] == 2
    assert image["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert image["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    paths = [layer["annotations"]["org.cncf.model.filepath"] for layer in image["layers"]]
    assert paths == ["golive.json", "extra/notes.txt", "model.onnx", "profile.json"]
    config = json.loads(blob_path(folder, image["config"]["digest"]).read_bytes())
    assert config["modelfs"] == {"type": "layers", "diffIds": [layer["digest"] for layer in image["layers"]]}
    assert "subject" not in image


def test_every_blob_with_one_changed_byte_is_refused(store, tmp_path):
    bundle = store.write(MANIFEST, FILES, created_at=AT)
    image = json.loads(blob_path(tmp_path / "store", bundle.digest).read_bytes())
    for digest in (bundle.digest, *(layer["digest"] for layer in image["layers"] if layer["size"])):
        path = blob_path(tmp_path / "store", digest)
        right = path.read_bytes()
        path.write_bytes(bytes([right[0] ^ 1]) + right[1:])
        with pytest.raises(DigestMismatchError, match=digest):
            store.files(store.open(bundle.digest))
        path.write_bytes(right)
    assert store.files(store.open(bundle.digest)) == FILES


def test_writing_a_damaged_bundle_again_repairs_it(store, tmp_path):
    bundle = store.write(MANIFEST, FILES, created_at=AT)
    blob_path(tmp_path / "store", bundle.files[1].digest).write_bytes(b"g")
    store.write(MANIFEST, FILES, created_at=AT)
    assert store.files(bundle) == FILES


@pytest.mark.parametrize("path", ["../out", "/etc/x", "a/../../b", "", "a//b", "a\\b", "./a", "golive.json"])
def test_a_file_name_that_could_leave_the_folder_is_refused(store, path):
    with pytest.raises(UsageError, match="cannot be in a bundle"):
        store.write(MANIFEST, FILES | {path: b"x"}, created_at=AT)


def test_a_bundle_without_its_graph_is_refused(store):
    with pytest.raises(UsageError, match=r"lacks its graph 'model\.onnx'"):
        store.write(MANIFEST, {"profile.json": b"{}"}, created_at=AT)


def test_a_bundle_is_found_by_the_beginning_of_its_digest(store):
    bundle = store.write(MANIFEST, FILES, created_at=AT)
    assert store.find(bundle.digest) == bundle
    assert store.find(bundle.digest[7:19]) == bundle
    with pytest.raises(NotFoundError):
        store.find("0000" if bundle.digest[7:11] != "0000" else "1111")
    with pytest.raises(UsageError, match="too short"):
        store.find(bundle.digest[7:9])


def test_an_unknown_digest_is_not_found(store):
    with pytest.raises(NotFoundError):
        store.open(Digest("sha256:" + "1" * 64))
    with pytest.raises(NotFoundError):
        store.attach(Digest("sha256:" + "1" * 64), kind="report", content=b"", media_type="text/html", at=AT)


@pytest.mark.parametrize("name", ["../../etc/passwd", "sha256:../x", "sha256:" + "A" * 64])
def test_a_blob_name_that_is_no_digest_is_not_looked_up(tmp_path, name):
    with pytest.raises(NotFoundError, match="not a digest"):
        Blobs(tmp_path).get(Digest(name))


def test_attachments_come_back_oldest_first_and_leave_the_digest_alone(store, tmp_path):
    bundle = store.write(MANIFEST, FILES, created_at=AT)
    other = store.write(MANIFEST, FILES | {"more": b"1"}, created_at=AT)
    store.attach(bundle.digest, kind="report", content=b"one", media_type="text/html", at="1")
    store.attach(other.digest, kind="report", content=b"theirs", media_type="text/html", at="1")
    store.attach(bundle.digest, kind="sign", content=b"mark", media_type="text/plain", at="2")
    store.attach(bundle.digest, kind="report", content=b"two", media_type="text/html", at="3")
    assert store.attached(bundle.digest, "report") == (b"one", b"two")
    assert store.attached(bundle.digest, "sign") == (b"mark",)
    assert store.attached(other.digest, "report") == (b"theirs",)
    assert store.open(bundle.digest) == bundle
    tags = [entry["annotations"].get("org.opencontainers.image.ref.name") for entry in index(tmp_path / "store")]
    assert tags.count(bundle.digest.replace(":", "-")) == 1


def index(folder):
    return json.loads((folder / "index.json").read_bytes())["manifests"]


def test_an_attachment_names_the_bundle_as_its_subject(store, tmp_path):
    bundle = store.write(MANIFEST, FILES, created_at=AT)
    digest = store.attach(bundle.digest, kind="report", content=b"one", media_type="text/html", at=AT)
    image = json.loads(blob_path(tmp_path / "store", digest).read_bytes())
    assert image["subject"]["digest"] == bundle.digest
    assert image["artifactType"] == "text/html"


def test_the_store_grows_with_what_is_attached_and_not_with_its_square(store, tmp_path):
    bundle = store.write(MANIFEST, FILES, created_at=AT)
    counts = []
    for _ in range(3):
        for _ in range(10):
            at = f"{len(store.attached(bundle.digest, 'report')):04}"
            store.attach(bundle.digest, kind="report", content=at.encode(), media_type="text/plain", at=at)
        counts.append(len(list((tmp_path / "store" / "blobs" / "sha256").iterdir())))
    assert [after - before for before, after in itertools.pairwise(counts)] == [20, 20]
    assert len(store.attached(bundle.digest, "report")) == 30


class NewerManifest(Manifest, frozen=True, kw_only=True):
    format: int = 2
    novelty: str = "of a later golive"


def test_a_bundle_of_a_newer_golive_says_that_it_is_one(store):
    newer = NewerManifest(name="houses", signature=SIGNATURE, preparation=MANIFEST.preparation)
    with pytest.raises(
        VerificationError, match="made by a newer golive: its format is 2, and this golive reads up to 1"
    ):
        store.write(newer, FILES, created_at=AT)


def test_evidence_attached_twice_is_given_once(store):
    bundle = store.write(MANIFEST, FILES, created_at=AT)
    first, second = (
        Evidence(
            bundle=bundle.digest, kind="evaluation", measured_at=AT, code="1", measures=(Measure(name="rmse", value=v),)
        )
        for v in (1.0, 2.0)
    )
    for evidence in (first, second, first):
        store.attach_evidence(evidence)
    assert store.evidence(bundle.digest) == (first, second)


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from golive.domain.bundle import Manifest
    from golive.domain.preparation import Preparation
    from golive.domain.signature import Field, Signature
    from golive.store.bundles import BundleStore
    store = BundleStore(Path(sys.argv[1]))
    signature = Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price")
    manifest = Manifest(name="houses", signature=signature, preparation=Preparation(numbers=("area",)))
    print("ready", flush=True)
    for step in range(int(sys.argv[2]), int(sys.argv[3])):
        files = {"model.onnx": step.to_bytes(4, "big") * 50_000, "profile.json": str(step).encode()}
        bundle = store.write(manifest, files, created_at=str(step))
        store.attach(bundle.digest, kind="report", content=str(step).encode(), media_type="text/plain", at=str(step))
    """
)


def start_writer(folder, first, last, **options):
    command = [sys.executable, "-c", WRITER, str(folder), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def check_all(folder):
    store = BundleStore(folder)
    bundles = store.list()
    for bundle in bundles:
        step = int(bundle.created_at)
        files = store.files(bundle)
        assert files == {"model.onnx": step.to_bytes(4, "big") * 50_000, "profile.json": str(step).encode()}
        assert store.attached(bundle.digest, "report") in {(), (str(step).encode(),)}
    return bundles


def test_a_writer_killed_at_any_moment_leaves_only_whole_bundles(tmp_path):
    seen = 0
    for trial in range(8):
        writer = start_writer(tmp_path, trial * 1000, trial * 1000 + 1000)
        assert writer.stdout.readline() == "ready\n"
        time.sleep(0.01 + 0.013 * trial)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        seen = max(seen, len(check_all(tmp_path)))
    assert seen > 0
    left = BundleStore(tmp_path).write(MANIFEST, FILES, created_at=AT)
    assert isinstance(left, Bundle)
    assert not list((tmp_path / "blobs" / "sha256").glob(".unfinished-*"))


def test_several_writers_at_once_lose_nothing(tmp_path):
    writers = [start_writer(tmp_path, first, first + 6) for first in (0, 100, 200)]
    for writer in writers:
        _, errors = writer.communicate()
        assert writer.returncode == 0, errors
    bundles = check_all(tmp_path)
    assert {int(bundle.created_at) for bundle in bundles} == {*range(6), *range(100, 106), *range(200, 206)}
    assert all(BundleStore(tmp_path).attached(bundle.digest, "report") for bundle in bundles)


def test_a_write_that_the_disk_refuses_is_a_clear_error_and_leaves_no_half_bundle(tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    writer = start_writer(tmp_path, 0, 1, preexec_fn=limit)
    _, errors = writer.communicate()
    assert writer.returncode != 0
    assert "UnavailableError" in errors
    assert "could not be written" in errors
    assert "raise the file size limit" in errors
    assert BundleStore(tmp_path).list() == ()
    assert not list((tmp_path / "blobs" / "sha256").glob(".unfinished-*"))


def test_a_full_disk_says_so(tmp_path):
    error = refused(tmp_path, OSError(errno.ENOSPC, "No space left on device"))
    assert isinstance(error, UnavailableError)
    assert "free some disk space" in error.message
