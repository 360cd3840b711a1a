"""TensorFlow's environment for tests, made once and kept beside this one, and real models that it writes."""

import subprocess
import sys
from pathlib import Path

import pytest

from golive.control.sandbox.tensorflow import tensorflow_python
from golive.errors import UnavailableError

HOME = Path(sys.prefix) / "tensorflow"
"""``GOLIVE_HOME`` of these tests, so that they share one environment of 1.7 GB; ``make clean`` takes it away too."""
WRITE = """
import sys
import keras, numpy as np, tensorflow as tf
folder = sys.argv[1]
keras.utils.set_random_seed(1)
net = keras.Sequential([
    keras.layers.Input((8, 8, 1)), keras.layers.Conv2D(8, 3, activation="relu"), keras.layers.MaxPooling2D(),
    keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")])
net.export(folder + "/digits", verbose=False)
light = tf.lite.TFLiteConverter.from_keras_model(net)
open(folder + "/digits.tflite", "wb").write(light.convert())
light.optimizations = [tf.lite.Optimize.DEFAULT]
light.representative_dataset = lambda: ([np.random.rand(1, 8, 8, 1).astype("f4")] for _ in range(20))
light.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
light.inference_input_type = light.inference_output_type = tf.uint8
open(folder + "/digits_int8.tflite", "wb").write(light.convert())
def save(name, function, spec, **held):
    module = tf.Module()
    for key, value in held.items():
        setattr(module, key, value)
    tf.saved_model.save(module, folder + "/" + name, signatures=tf.function(function, input_signature=[spec]))
weights = tf.Variable(np.random.default_rng(0).normal(size=(4, 3)).astype("f4"))
rows = tf.TensorSpec([None, 4], tf.float32, name="x")
save("flowers", lambda x: {"probabilities": tf.nn.softmax(x @ weights)}, rows, weights=weights)
count = tf.Variable(np.zeros((1, 4), "f4"))
def counted(x):
    count.assign_add(x)
    return {"count": count + 0.0}
save("counter", counted, tf.TensorSpec([1, 4], tf.float32, name="x"), count=count)
save("reader", lambda p: {"text": tf.io.read_file(p)}, tf.TensorSpec([], tf.string, name="p"))
words = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1.0]), 0.0)
save("table", lambda x: {"n": words.lookup(x)}, tf.TensorSpec([None], tf.string, name="x"), words=words)
save("sorted", lambda x: {"y": tf.raw_ops.Betainc(a=x, b=x, x=x)}, rows)
"""


def python() -> Path:
    """Give the interpreter with TensorFlow, or skip the test."""
    try:
        return tensorflow_python(HOME / "cache" / "environments")
    except UnavailableError as error:
        pytest.skip(f"TensorFlow cannot be had here: {error.message}")


def write(folder: Path) -> None:
    """Write the models."""
    done = subprocess.run(
        [python(), "-I", "-c", WRITE, str(folder)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
