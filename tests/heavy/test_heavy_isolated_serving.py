"""A model that hangs or crashes in its own process costs its own requests; the server and its workers stay."""

import time

import msgspec
import numpy as np
import pytest
from isolated_models import packed

import golive
from golive.control.notebook.handles import BundleHandle
from golive.control.packing.truth import baseline_file
from golive.control.rooms import open_rooms
from golive.control.running.processes import stop
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.errors import UnavailableError
from golive.packaging.build import assemble, pack
from golive.packaging.isolated import ARCHIVE
from golive.packaging.profile import profile
from golive.ports import Converted
from golive.settings import Settings

PLAIN = {"x0": [1.0, 3.0], "x1": [2.0, 4.0]}
SUMS = [3.0, 7.0]


def odd(table):
    import os  # noqa: PLC0415 - it is run where this module is not

    kind = table[0, 0]
    while kind == -1:
        pass
    if kind == -2:
        os._exit(1)
    return table.sum(axis=1)


@pytest.fixture
def live(tmp_path):
    rooms = open_rooms(settings=Settings(home=tmp_path, user="tester"))
    fields = tuple(Field(name=name, dtype="float64", example=1.0) for name in PLAIN)
    converted = Converted(
        graph=packed(odd),
        preparation=Preparation(numbers=tuple(PLAIN)),
        signature=Signature(inputs=fields, task="regression", target="sum"),
    )
    manifest = msgspec.structs.replace(assemble("odd", converted, runtime="isolated"), graph=ARCHIVE)
    columns = {name: np.array(values) for name, values in PLAIN.items()}
    files = pack(manifest, converted.graph, profile(manifest.signature, columns, np.array(SUMS)[:, None]))
    baseline = baseline_file(manifest.signature, SUMS)
    bundle = BundleHandle(
        rooms.bundles.write(manifest, {**files, "baseline.json": baseline}, created_at=rooms.now()), rooms
    )
    evidence = golive.evaluate(bundle, columns, SUMS)
    verdict = golive.gate(evidence, "rmse <= 0.1", min_rows=1, force="a test of faults")
    yield golive.deploy("odd", bundle, verdict=verdict, port=0, admin_port=0)
    stop(tmp_path, timeout_s=20)


def asked(live, rows):
    until = time.monotonic() + 60
    while True:
        try:
            return live.predict(rows)
        except UnavailableError as error:
            if "started again" not in error.message or time.monotonic() > until:
                raise
        time.sleep(0.1)


@pytest.mark.heavy
def test_a_served_model_that_crashes_or_hangs_costs_its_own_requests_alone(live):
    assert live.predict([{"x0": 1.0, "x1": 2.0}, {"x0": 3.0, "x1": 4.0}]) == SUMS
    for kind, sentence in ((-2.0, r"ended its process \(exit code 1\)"), (-1.0, "did not answer within 3 s")):
        with pytest.raises(UnavailableError, match=sentence):
            asked(live, [{"x0": kind, "x1": 0.0}])
        assert asked(live, [{"x0": 1.0, "x1": 2.0}]) == SUMS[:1]
    [line] = live.status().lines
    assert line.live
