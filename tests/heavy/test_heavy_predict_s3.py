"""Offline prediction from and to an object store, with moto standing for one."""

from pathlib import Path

import pytest
from offline import homes, run, write
from sklearn.linear_model import LinearRegression

import golive
from golive.control.rooms import open_rooms
from golive.errors import DataError, UnavailableError
from golive.settings import Settings

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def store():
    moto = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[server]' brings it")
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed: pip install 'moto[server]' brings it")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **keys)
    client.create_bucket(Bucket="bucket")
    yield client, f"?endpoint_override={host}:{port}&scheme=http&region=us-east-1", "k:s@"
    server.stop()


@pytest.fixture
def state(tmp_path):
    frame = homes(100).select(["area", "rooms"]).to_pandas()
    model = LinearRegression().fit(frame, frame["area"])
    golive.package(model, sample=frame, target=frame["area"], name="price", home=str(tmp_path / "state"))
    return open_rooms(settings=Settings(home=tmp_path / "state"))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_objects_are_read_and_written_like_files(store, state, tmp_path, kind):
    client, query, keys = store
    local, here = write(homes(300), tmp_path, kind), str(tmp_path / f"here.{kind}")
    client.upload_file(local, "bucket", f"in.{kind}")
    run(state, "price", local, here)
    there = f"s3://{keys}bucket/out.{kind}{query}"
    done = run(state, "price", f"s3://{keys}bucket/in.{kind}{query}", there, workers=2)
    client.download_file("bucket", f"out.{kind}", str(tmp_path / f"got.{kind}"))
    assert (tmp_path / f"got.{kind}").read_bytes() == Path(here).read_bytes()
    assert done.written == 300


def test_an_object_that_is_absent_or_a_store_that_does_not_answer_is_named(store, state, tmp_path):
    _, query, keys = store
    out = str(tmp_path / "out.csv")
    with pytest.raises(DataError, match="there is no file"):
        run(state, "price", f"s3://{keys}bucket/absent.csv{query}", out)
    with pytest.raises(UnavailableError, match="check the URL, the region and the keys"):
        run(state, "price", f"s3://{keys}bucket/absent.csv?endpoint_override=127.0.0.1:1&scheme=http&region=x", out)
