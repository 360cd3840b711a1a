"""The traps of delimited text, each read right or refused in a sentence."""

import gzip

import pyarrow as pa
import pytest

from golive.adapters.tables.csv import CsvTable
from golive.errors import DataError


@pytest.fixture
def read(tmp_path):
    def read_content(content, name="t.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return pa.Table.from_batches(list(CsvTable().read(path, options)))

    return read_content


def refused(read, content, match, **options):
    with pytest.raises(DataError, match=match):
        read(content, **options)


def test_numbers_followed_by_a_word_come_as_text(read):
    assert read("a\n" + "1\n" * 1000 + "n/a\n")["a"].to_pylist()[-2:] == ["1", "n/a"]


def test_types_hold_for_the_whole_file(read):
    table = read("i,f,b,z,t\n1,1,true,007,a\n2,2.5,False,12,b\n")
    assert [str(kind) for kind in table.schema.types] == ["int64", "double", "bool", "string", "string"]


def test_numbers_with_thousands_separators_stay_text(read):
    assert read('a,b\n"1,000",1\n')["a"].to_pylist() == ["1,000"]


def test_dates_stay_the_text_they_were(read):
    assert read("d\n2011-07-25\n2011-07-25 13:00:00\n")["d"].to_pylist() == ["2011-07-25", "2011-07-25 13:00:00"]


def test_empty_cells_and_the_usual_codes_are_missing(read):
    table = read("n,t\n1,x\n,\nNA,NA\nNaN,null\n")
    assert table["n"].to_pylist() == [1, None, None, None]
    assert table["t"].to_pylist() == ["x", None, None, None]


def test_other_null_values_can_be_said(read):
    table = read("n,t\n1,NA\n?,b\n", null_values=["?"])
    assert table.to_pydict() == {"n": [1, None], "t": ["NA", "b"]}


def test_a_byte_order_mark_and_blanks_around_names_are_removed(read):
    table = read("\ufeffarea , price\n1,2\n")
    assert table.column_names == ["area", "price"]
    assert b"blanks" in table.schema.metadata[b"notes"]


def test_a_semicolon_file_is_read_and_said(read):
    table = read("a;b\n1,5;x\n2,5;y\n", decimal=",")
    assert table.to_pydict() == {"a": [1.5, 2.5], "b": ["x", "y"]}
    assert b"';'" in table.schema.metadata[b"notes"]


def test_a_tab_file_is_read_whatever_its_ending(read):
    assert read("a\tb\n1\t2\n").to_pydict() == read("a\tb\n1\t2\n", "t.tsv").to_pydict() == {"a": [1], "b": [2]}


def test_a_delimiter_that_is_not_clear_is_asked_for(read):
    refused(read, "a;b|c\n1;2|3\n", "say which in data.options")


def test_a_compressed_file_is_read(read):
    assert read(gzip.compress(b"a,b\n1,2\n"), "t.csv.gz").to_pydict() == {"a": [1], "b": [2]}


def test_line_breaks_inside_quotes_belong_to_the_value(read):
    assert read('"a\nb",c\n"x\ny",2\n').to_pydict() == {"a\nb": ["x\ny"], "c": [2]}


def test_a_file_in_another_encoding_is_refused_with_the_byte(read):
    refused(read, "a,b\n1,é\n".encode("latin-1"), r"not utf-8 text \(byte 6\)")


def test_a_late_foreign_byte_is_found_too(read):
    refused(read, b"a,b\n" + b"1,x\n" * 50_000 + b"1,\xe9\n", r"byte 200,006")


def test_an_encoding_that_is_named_is_used(read):
    assert read("a,b\n1,é\n".encode("latin-1"), encoding="latin-1")["b"].to_pylist() == ["é"]


def test_an_unknown_encoding_is_refused(read):
    refused(read, "a\n1\n", "encoding 'klingon' is not known", encoding="klingon")


def test_a_ragged_row_is_named_by_its_line(read):
    refused(read, "a,b\n1,2\n3\n4,5\n", r"t\.csv:3: the row has 1 fields where the header has 2")


def test_doubled_names_are_listed(read):
    refused(read, "a,b,a\n1,2,3\n", "several columns named 'a'")


def test_an_empty_file_is_refused(read):
    refused(read, "", "is empty")


def test_a_column_without_any_value_is_numbers_that_are_all_missing(read):
    table = read("a,b\n1,\n2,\n")
    assert table["b"].to_pylist() == [None, None]
    assert table.schema.field("b").type == pa.float64()
