"""The scoring protocol: what it reads, what it writes, and what it refuses."""

import numpy as np
import orjson
import pytest

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, MediaTypeError, RequestError, TooLargeError
from golive.serving.answer import Ask
from golive.serving.codecs.codec import PredictionWriter
from golive.serving.codecs.csv_rows import CsvReader, csv_of
from golive.serving.codecs.invocations import InvocationsCodec
from golive.serving.codecs.media_types import CSV, JSON, LINES, kind_of_body, wanted_kind

HOUSE = Signature(
    inputs=(
        Field(name="area", dtype="float64"),
        Field(name="rooms", dtype="int64", nullable=True),
        Field(name="zone", dtype="string", nullable=True, categories=("north", "20")),
        Field(name="pool", dtype="bool"),
    ),
    task="classification",
    target="sells",
    classes=("no", "yes"),
)
TEXTS = Signature(
    inputs=(Field(name="a", dtype="string"), Field(name="b", dtype="string")), task="regression", target="y"
)
ROW = (1.5, 3, "north", True)


def labels(outputs):
    return [HOUSE.classes[index] for index in outputs.argmax(axis=1)]


def codec(max_rows=100):
    return InvocationsCodec(HOUSE, PredictionWriter(Placed("m", 1, "sha256:1"), HOUSE, labels), labels, max_rows)


def decoded(body, **headers):
    body = body if isinstance(body, bytes) else orjson.dumps(body)
    ask = Ask("id", {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()})
    rows, form = codec().decode(body, ask)
    return list(map(tuple, rows)), form


def table(text, signature=HOUSE, max_rows=100):
    return CsvReader(signature, max_rows)(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    "body",
    [
        {
            "dataframe_split": {
                "index": [7],
                "columns": ["pool", "area", "rooms", "zone"],
                "data": [[True, 1.5, 3, "north"]],
            }
        },
        {"dataframe_records": [{"area": 1.5, "rooms": 3, "zone": "north", "pool": True}]},
        {"instances": [{"area": 1.5, "rooms": 3, "zone": "north", "pool": True}]},
        {"instances": [list(ROW)]},
        {"inputs": [list(ROW)]},
        {"inputs": {"area": [1.5], "rooms": [3], "zone": ["north"], "pool": [True]}},
        [list(ROW)],
        [{"area": 1.5, "rooms": 3, "zone": "north", "pool": True}],
        {"instances": [list(ROW)], "params": {}},
        {"instances": [list(ROW)], "params": None},
    ],
)
def test_every_json_form_gives_rows_in_the_order_of_the_signature(body):
    assert decoded(body) == ([ROW], JSON)


@pytest.mark.parametrize(
    "body",
    [
        b'{"dataframe_split": {"columns": ["zone", "area", "rooms", "pool"], "data": [[NaN, 1.5, NaN, true]]}}',
        b'{"dataframe_records": [{"zone": NaN, "area": 1.5, "rooms": NaN, "pool": true}]}',
        b'{"instances": [[1.5, NaN, NaN, true]]}',
        b'{"inputs": {"area": [1.5], "rooms": [NaN], "zone": [NaN], "pool": [true]}}',
    ],
)
def test_the_gaps_that_a_data_frame_writes_as_tokens_are_missing_values(body):
    assert decoded(body) == ([(1.5, None, None, True)], JSON)


def test_a_body_with_tokens_is_refused_where_it_does_not_fit():
    with pytest.raises(InvalidRowError, match="true or false") as caught:
        decoded(b'{"dataframe_split": {"columns": ["area", "rooms", "pool"], "data": [[1.5, NaN, 7]]}}')
    assert caught.value.field == "$.dataframe_split[0].pool"
    with pytest.raises(RequestError, match="not valid JSON"):
        decoded(b'{"instances": [[1.5, NaN, NaN, true]}')
    with pytest.raises(RequestError, match="wants an object"):
        decoded(b'{"dataframe_records": [NaN]}')


@pytest.mark.parametrize(
    ("body", "words", "field"),
    [
        ({}, "got none", ""),
        ({"instances": [], "inputs": []}, "got instances and inputs", ""),
        ({"instances": []}, "no rows", ""),
        ({"instances": [list(ROW)], "params": {"k": 1}}, "takes no params, got 'k'", "$.params"),
        ({"instances": [list(ROW)], "params": [1]}, "wants an object", "$.params"),
        ({"dataframe_split": {"columns": ["area"]}}, "has no 'data'", "$.dataframe_split.data"),
        (
            {"dataframe_split": {"columns": ["area"], "data": [[1, 2]]}},
            "2 values for 1 columns",
            "$.dataframe_split.data[0]",
        ),
        ({"dataframe_split": {"columns": ["area", "area"], "data": []}}, "'area' twice", "$.dataframe_split.columns"),
        ({"instances": [7]}, "wants an object, got a whole number", "$.instances[0]"),
        ([7], "wants an object, got a whole number", "$[0]"),
        (7, "the body wants", "$"),
        ({"inputs": 7}, "wants", "$.inputs"),
        ({"inputs": [[1.5, 3, "north", 1]]}, "true or false", "$.inputs[0][3]"),
    ],
)
def test_a_json_body_that_does_not_fit_is_refused_where_it_does_not(body, words, field):
    with pytest.raises(RequestError, match=words) as caught:
        decoded(body)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("application/json", JSON),
        ("", JSON),
        ("application/x-www-form-urlencoded", JSON),
        ("Application/JSON; Charset=UTF-8", JSON),
        ('application/json ; charset="utf-8";', JSON),
        ("text/csv; charset=utf8", CSV),
        ("application/jsonlines", LINES),
    ],
)
def test_the_content_type_says_how_a_body_is_read(sent, kind):
    assert kind_of_body({b"content-type": sent.encode()}) == kind


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("application/xml", "is not read here"),
        ("text/plain", "is not read here"),
        ("application/json; format=pandas-split", "parameter 'format'"),
        ("application/json; charset=latin-1", "charset 'latin-1'"),
        ("text/csv; charset", "charset ''"),
        ("a/b; " + "x" * 5000, "is not read here"),
    ],
)
def test_any_other_content_type_is_refused(sent, words):
    with pytest.raises(MediaTypeError, match=words) as caught:
        kind_of_body({b"content-type": sent.encode()})
    assert caught.value.status == 415
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("text/csv", CSV),
        ("text/*", CSV),
        ("text/html, text/csv;q=0.5", CSV),
        ("application/json;q=0.4, application/jsonlines;q=0.5", LINES),
        ("text/csv, application/json", CSV),
        ("text/csv;q=0", JSON),
        ("text/csv;q=none", JSON),
        ("image/png", JSON),
        ("", JSON),
        (";;,,", JSON),
    ],
)
def test_accept_chooses_the_form_of_the_answer(accept, kind):
    assert wanted_kind(None if accept is None else accept.encode()) == kind
    assert decoded({"instances": [list(ROW)]}, **({} if accept is None else {"accept": accept}))[1] == kind


def test_json_lines_are_rows_as_objects_or_lists():
    body = b'{"area": 1.5, "rooms": 3, "zone": "north", "pool": true}\n[1.5, 3, "north", true]\n\n'
    assert decoded(body, content_type="application/jsonlines") == ([ROW, ROW], JSON)
    with pytest.raises(InvalidRowError) as caught:
        decoded(b'[1.5, 3, "north", true]\n{"area": "x"}', content_type="application/jsonlines")
    assert caught.value.field == "$.rows[1].area"
    with pytest.raises(RequestError, match="no rows"):
        decoded(b"\n", content_type="application/jsonlines")


def test_answers_are_written_in_every_form():
    outputs = np.array([[0.75, 0.25], [0.5, np.nan]])[:1]
    assert codec().encode(outputs, CSV, Ask("id")) == (b"content-type: text/csv; charset=utf-8\r\n", b"no\n")
    head, lines = codec().encode(outputs, LINES, Ask("id"))
    assert head == b"content-type: application/jsonlines\r\n"
    assert lines == b'{"prediction":"no","probabilities":[0.75,0.25]}\n'
    head, body = codec().encode(outputs, JSON, Ask("id"))
    assert orjson.loads(body)["predictions"] == ["no"]


def test_predictions_in_csv_are_quoted_and_a_missing_one_is_empty():
    assert csv_of(["a", 'b"c', "d,e", 1.5, float("nan"), 7, True, False]) == (
        b'a\n"b""c"\n"d,e"\n1.5\n""\n7\ntrue\nfalse\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "area,rooms,zone,pool\n1.5,3,north,true\n",
        "pool,zone,rooms,area\r\n1,north,3.0,1.50\r\n",
        '\ufeff"area","rooms","zone","pool"\n"1.5","3","north","TRUE"',
        "\narea,rooms,zone,pool\n\n1.5e0,+3,north,1.0\n\n",
        "1.5,3,north,true\n",
    ],
)
def test_a_table_of_csv_gives_rows_in_the_order_of_the_signature(text):
    assert table(text) == [ROW]


@pytest.mark.parametrize("cell", ["", "NA", "NaN", "nan", "null"])
def test_a_cell_may_say_that_a_value_is_missing(cell):
    assert table(f"area,rooms,zone,pool\n1,{cell},{cell},0\n") == [(1.0, None, None, False)]
    assert table(f"area,pool\n{cell},0\n") == [(None, None, None, False)]


def test_a_cell_may_hold_commas_quotes_and_lines():
    assert table('a,b\n"x, ""y""\nz",é\n', TEXTS) == [('x, "y"\nz', "é")]


def test_a_code_with_a_fraction_of_nothing_is_that_code():
    assert table("area,zone,pool\n1,20.0,1\n1,21.5,1\n")[0][2] == "20"


@pytest.mark.parametrize(
    ("text", "words", "field"),
    [
        ("", "empty", ""),
        ("\n\n", "empty", ""),
        (b"\xff\xfe", "not UTF-8", ""),
        ('area,pool\n"1,2\n', "not CSV", ""),
        ('area,pool\n1,"x" y\n', "not CSV", ""),
        ("area," + "x" * 200_000, "field limit", ""),
        ("area,zone,pool,garden\n1,n,1,1\n", "no input 'garden'", "$.garden"),
        (",area,pool\n0,1,1\n", "index", "$."),
        ("area,area,pool\n1,1,1\n", "names 'area' 2 times", "$.area"),
        ("area,zone\n1,n\n", "lacks the input 'pool'", "$.pool"),
        ("area,pool\n1\n", "1 cells for 2 columns", "$[0]"),
        ("1,2\n", "2 cells for 4 columns", "$[0]"),
        ("area,pool\n1,1\n1,maybe\n", "row 1: the input 'pool' wants true or false", "$[1].pool"),
        ("area,pool\n1 000,1\n", "wants a number", "$[0].area"),
        ("area,pool\ninf,1\n", "wants a number", "$[0].area"),
        ("area,pool\n" + "1" * 100_000 + "x,1\n", "wants a number", "$[0].area"),
        ("area,rooms,pool\n1,2.5,1\n", "whole number", "$[0].rooms"),
        ("area,rooms,pool\n1,9223372036854775808,1\n", "whole number", "$[0].rooms"),
        ("area,rooms,pool\n1,1e400,1\n", "whole number", "$[0].rooms"),
        ("area,rooms,pool\n1,%s,1\n" % ("9" * 5000), "whole number", "$[0].rooms"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_where_it_does_not(text, words, field):
    with pytest.raises(RequestError, match=words) as caught:
        table(text)
    assert caught.value.field == field


def test_the_ends_of_64_bits_are_whole_numbers():
    assert table("area,rooms,pool\n1,9223372036854775807,1\n1,-9223372036854775808,1\n") == [
        (1.0, 2**63 - 1, None, True),
        (1.0, -(2**63), None, True),
    ]


def test_a_heading_never_passes_for_a_row():
    with pytest.raises(RequestError, match="no input 'x'"):
        table("x,y\n1,2\n", TEXTS)


def test_reading_ends_at_the_limit_of_rows():
    assert len(table("area,pool\n" + "1,1\n" * 3, max_rows=3)) == 3
    with pytest.raises(TooLargeError, match="more than 3 rows"):
        table("area,pool\n" + "1,1\n" * 4, max_rows=3)
