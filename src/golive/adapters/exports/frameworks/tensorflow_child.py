"""Writes a graph as a SavedModel or a TFLite file and asks it, in TensorFlow's own environment.

The folder that it is given holds ``graph.onnx`` and ``order.json``; what it writes is put there, with ``told.json``:
the answers to the order's feeds, or the sentence of a refusal.
"""

import os
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import tensorflow as tf

from golive.adapters.exports.frameworks.order import GRAPH, ORDER, TOLD, Order, Told, arrays_of, sent
from golive.adapters.exports.frameworks.tensorflow_backend import TensorflowBackend
from golive.adapters.graphs.program import Program
from golive.errors import NotConvertibleError

SAVED_MODEL, LITE = "saved_model", "model.tflite"


def main(words: list[str]) -> None:
    """Write and ask.

    Args:
        words: the folder.
    """
    folder = Path(words[0])
    order = msgspec.json.decode((folder / ORDER).read_bytes(), type=Order)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    try:
        told = Told(answers=_written(folder, order))
    except NotConvertibleError as error:
        told = Told(refused=error.message)
    except Exception as error:
        # What is raised while a function is traced comes as another class, with the sentence inside.
        if (own := _own(error)) is None:
            raise
        told = Told(refused=own)
    (folder / TOLD).write_bytes(msgspec.json.encode(told))
    # The libraries' threads end with the process, and not all of them by themselves.
    os._exit(0)


def _written(folder: Path, order: Order) -> tuple[dict[str, Any], ...]:
    backend = TensorflowBackend(is_narrow=order.form == LITE)
    program = Program((folder / GRAPH).read_bytes())
    function, module = _function(program, backend, order)
    if order.form == SAVED_MODEL:
        tf.saved_model.save(module, str(folder / SAVED_MODEL), signatures=function)
        loaded = tf.saved_model.load(str(folder / SAVED_MODEL)).signatures["serving_default"]
        asked = [loaded(**{name: tf.constant(array) for name, array in feeds.items()}) for feeds in _feeds(order)]
        return tuple(sent({name: value.numpy() for name, value in answers.items()}) for answers in asked)
    content = _lite(function, module)
    (folder / LITE).write_bytes(content)
    runner = tf.lite.Interpreter(model_content=content, num_threads=1).get_signature_runner()
    return tuple(sent({name: np.array(value) for name, value in runner(**feeds).items()}) for feeds in _feeds(order))


def _function(program: Program, backend: TensorflowBackend, order: Order) -> tuple[Any, Any]:
    module = tf.Module()
    specs = [
        tf.TensorSpec(one.shape, backend.kind(np.dtype(one.dtype)), name=order.names[one.name]) for one in order.inputs
    ]

    def answer(*given: Any) -> dict[str, Any]:
        found = program.run(backend, dict(zip((one.name for one in order.inputs), given, strict=True)))
        return {order.names[name]: value for name, value in found.items()}

    module.answer = tf.function(answer, input_signature=specs)
    return module.answer.get_concrete_function(), module


def _lite(function: Any, module: Any) -> bytes:
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    try:
        return bytes(converter.convert())
    except Exception as error:  # the converter raises its own
        # The converter's own sentence is a page long, and the names of the operators stand in one line of it.
        found = re.search(r"(?:Select|Flex|Custom) ops: (.+)", str(error))
        reason = f"it lacks {found.group(1)}" if found else _first_line(error)
        message = f"TFLite has no form for a part of the graph ({reason[:300]}); export it as savedmodel or onnx"
        raise NotConvertibleError(message) from error


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _own(error: BaseException) -> str | None:
    name = NotConvertibleError.__name__
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line.partition(f"{name}: ")[2] for line in lines if line.startswith(f"{name}: ")), None)


def _feeds(order: Order) -> list[dict[str, Any]]:
    return [arrays_of(feeds) for feeds in order.feeds]
