"""Small files that would become large ones are refused by what they declare."""

import io
import zipfile

import pytest

from golive.adapters.formats.opcodes import LONGEST_TEXT, listing
from golive.adapters.formats.packed import Packed
from golive.errors import DataError


def test_a_value_that_was_never_kept_is_named():
    with pytest.raises(DataError, match="an instruction asks for a value that was never kept"):
        listing(Packed(io.BytesIO(b"\x80\x04he.")))


def test_a_text_too_long_for_a_name_is_no_name():
    long = b"X" + (LONGEST_TEXT + 1).to_bytes(4, "little") + b"a" * (LONGEST_TEXT + 1)
    found = listing(Packed(io.BytesIO(b"\x80\x04\x8c\x02os" + long + b"\x93.")))
    assert found.loads == ("a name that is only put together while loading",)


@pytest.mark.parametrize(("name", "blocks"), [("schema.json", 17), ("arrays.npy", 20)])
def test_a_file_of_skops_that_grows_too_much_is_refused_before_it_is_read(name, blocks, tmp_path):
    skops = pytest.importorskip("golive.adapters.formats.skops", reason="skops comes with the extra skops")
    path = tmp_path / "bomb.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as member:
        for _ in range(blocks):
            member.write(bytes(1 << 22))
    with pytest.raises(DataError, match=r"bomb\.skops unpacks from [0-9,]+ to [0-9,]+ bytes"):
        skops.SkopsFormat().read(path)
