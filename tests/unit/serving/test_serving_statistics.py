"""The counters of a lane in the words of Triton."""

from golive.domain.signature import Field, Signature
from golive.serving.pages.config import config_of
from golive.serving.pages.statistics import statistics_of
from golive.serving.telemetry.metrics import LaneMetrics


def told(metrics, **more):
    (lane,) = statistics_of([metrics.snapshot("m", 3, "sha256:1", **more)])["model_stats"]
    return lane


def test_rows_are_inferences_and_runs_are_executions():
    metrics = LaneMetrics()
    metrics.answered(5, (100, 20, 3000, 400))
    metrics.answered(2, (1, 2, 3, 4))
    metrics.refused(422, "invalid_row", 50)
    lane = told(metrics, batches=1)
    assert (lane["name"], lane["version"]) == ("m", "3")
    assert (lane["inference_count"], lane["execution_count"], lane["batch_stats"]) == (7, 1, [])
    assert lane["inference_stats"] == {
        "success": {"count": 2, "ns": 3530},
        "fail": {"count": 1, "ns": 50},
        "queue": {"count": 2, "ns": 22},
        "compute_input": {"count": 2, "ns": 101},
        "compute_infer": {"count": 2, "ns": 3003},
        "compute_output": {"count": 2, "ns": 404},
    }


def test_a_lane_that_was_never_asked_has_all_its_counters_at_zero():
    lane = told(LaneMetrics())
    assert {(each["count"], each["ns"]) for each in lane["inference_stats"].values()} == {(0, 0)}
    assert statistics_of([]) == {"model_stats": []}


def test_the_config_leaves_rows_out_of_every_shape():
    signature = Signature(
        inputs=(Field(name="x", dtype="float64"), Field(name="s", dtype="string", nullable=True)),
        task="classification",
        target="y",
        classes=("0", "1"),
        class_dtype="int64",
    )
    assert config_of("m", signature, 2**40) == {
        "name": "m",
        "platform": "golive_onnx",
        "backend": "golive",
        "max_batch_size": 2**31 - 1,
        "input": [
            {"name": "x", "data_type": "TYPE_FP64", "dims": [1], "optional": False},
            {"name": "s", "data_type": "TYPE_STRING", "dims": [1], "optional": True},
        ],
        "output": [
            {"name": "predict", "data_type": "TYPE_INT64", "dims": [1]},
            {"name": "probabilities", "data_type": "TYPE_FP64", "dims": [2]},
        ],
        "model_transaction_policy": {"decoupled": False},
    }
