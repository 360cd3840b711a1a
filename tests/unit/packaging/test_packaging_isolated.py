"""Archives of isolated models: stable, checked before anything is loaded; and the lists of what they need."""

import io
import zipfile
from importlib.metadata import version

import pytest

from golive.errors import VerificationError
from golive.packaging.isolated import Limits, Seen, SeenColumn, archive, opened
from golive.packaging.lock import has_distribution, locked

SEEN = Seen(container="frame", columns=(SeenColumn(name="a", kind="text", dtype="str", values=("x", "y")),))


def made(model: bytes = b"a fitted object") -> bytes:
    return archive(
        model, SEEN, python="3.11", requirements=["b==2", "a==1"], method="predict", outputs=1, limits=Limits(call_s=1)
    )


def rewritten(change) -> bytes:
    """Give an archive whose files went through ``change(name, content)``."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made())) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def test_an_archive_is_read_as_it_was_written_and_is_the_same_bytes_each_time():
    told, model = opened(made())
    assert bytes(model) == b"a fitted object"
    assert told.seen == SEEN
    assert told.requirements == ("a==1", "b==2")
    assert (told.holds, told.numbers, told.codes, told.limits.call_s) == ("code", 0, 1, 1)
    assert made() == made() != made(b"another")
    with zipfile.ZipFile(io.BytesIO(made())) as file:
        assert file.read("requirements.txt") == b"a==1\nb==2\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        made()[: len(made()) // 2],
        made().replace(b"a fitted object", b"a bitten object"),
        rewritten(lambda name, content: None if name == "model.joblib" else content),
        rewritten(lambda name, content: b"{}" if name == "isolated.json" else content),
        rewritten(lambda name, content: content[:-1] if name == "isolated.json" else content),
    ],
    ids=["empty", "other", "cut", "altered", "no model", "says nothing", "no JSON"],
)
def test_bytes_that_are_no_archive_are_refused_before_anything_is_loaded(content):
    with pytest.raises(VerificationError, match=r"are not an archive of an isolated model .*package the model again"):
        opened(content)


def test_another_model_than_the_one_it_was_packaged_with_is_refused():
    other = rewritten(lambda name, content: b"other" if name == "model.joblib" else content)
    with pytest.raises(VerificationError, match="is not the one it was packaged with"):
        opened(other)


def test_an_archive_of_a_newer_golive_is_refused():
    newer = rewritten(
        lambda name, content: content.replace(b'"format":1', b'"format":2') if name == "isolated.json" else content
    )
    with pytest.raises(VerificationError, match="has the format 2, and this golive reads up to 1; upgrade golive"):
        opened(newer)


def test_a_compressed_archive_is_refused_for_it_may_grow_without_bound():
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("isolated.json", b" " * (1 << 20))
    with pytest.raises(VerificationError, match=r"'isolated.json' is compressed"):
        opened(written.getvalue())


def test_a_lock_names_exact_versions_of_modules_and_of_what_they_require():
    found = locked(["sklearn", "json", "no_such_module"])
    assert f"scikit-learn=={version('scikit-learn')}" in found
    assert {f"{name}=={version(name)}" for name in ("numpy", "scipy", "joblib", "threadpoolctl")} <= set(found)
    assert not [line for line in found if line.startswith("pytest")]
    assert found == locked(["sklearn"])


def test_a_module_by_path_has_no_distribution():
    assert has_distribution("sklearn.neighbors")
    assert not has_distribution("churn_model_of_mine")
