"""MLflow's scoring protocol over a socket: what its client sends and reads."""

import json

import httpx
import pytest

from golive.domain.release import Share
from golive.domain.serving import Route

HOUSE = {"area": 2.0, "year_built": 2000, "pool": True, "zone": "north"}
PRICE = 2210.0
TABLE = "zone,pool,year_built,area\nnorth,True,2000,2.0\n,0,2000.0,3\n"


@pytest.fixture(scope="module")
def alone():
    # The session's server has several models; this protocol names none.
    return (Route("houses", (Share(3, 1.0),)),)


@pytest.fixture
def scorer(running, alone):
    with running(traffic=alone) as server, httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


def test_what_the_client_of_mlflow_sends_is_answered_as_it_reads(scorer):
    assert scorer.get("/ping").status_code == 200
    assert scorer.get("/health").status_code == 200
    version = scorer.get("/version")
    assert (version.status_code, version.text) == (200, "1")
    assert version.headers["content-type"] == "text/plain; charset=utf-8"
    body = json.dumps({"dataframe_split": {"index": [0], "columns": list(HOUSE), "data": [list(HOUSE.values())]}})
    answer = scorer.post("/invocations", content=body, headers={"content-type": "application/json"})
    assert answer.json()["predictions"] == [PRICE]


def test_a_table_of_csv_is_answered(scorer):
    answer = scorer.post("/invocations", content=TABLE, headers={"content-type": "text/csv; charset=utf-8"})
    assert answer.json()["predictions"] == [PRICE, 3 * 100 + 1000 + 0 + 5]


def test_a_long_table_is_answered_by_slices(scorer):
    rows = 1500
    table = "area,year_built,pool\n" + "2,2000,1\n" * rows
    answer = scorer.post("/invocations", content=table, headers={"content-type": "text/csv", "accept": "text/csv"})
    assert answer.text == f"{PRICE - 5}\n" * rows


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ("application/json; charset=latin-1", 415),
        ("application/json; format=pandas-records", 415),
        ("text/html", 415),
        ("application/x-npy", 415),
    ],
)
def test_the_content_type_is_honored(scorer, sent, status):
    body = json.dumps({"dataframe_records": [HOUSE]})
    answer = scorer.post("/invocations", content=body, headers={"content-type": sent})
    assert answer.status_code == status
    if status == 415:
        assert answer.json()["code"] == "unsupported_media_type"


def test_a_bad_row_is_400_and_says_where(scorer):
    answer = scorer.post(
        "/invocations", content="area,year_built,pool\n2,2000,1\nx,2000,1\n", headers={"content-type": "text/csv"}
    )
    told = answer.json()
    assert (answer.status_code, told["code"], told["field"]) == (400, "invalid_row", "$.rows[1].area")
    assert answer.headers["x-model-version"] == "3"
    infinite = scorer.post(
        "/invocations", content="area,year_built,pool\n1e999,2000,1\n", headers={"content-type": "text/csv"}
    )
    assert (infinite.status_code, infinite.json()["field"]) == (400, "$.rows[0].area")


def test_params_are_refused_for_a_model_takes_none(scorer):
    answer = scorer.post("/invocations", json={"dataframe_records": [HOUSE], "params": {"temperature": 0.5}})
    assert answer.status_code == 400
    assert "takes no params, got 'temperature'" in answer.json()["error"]
