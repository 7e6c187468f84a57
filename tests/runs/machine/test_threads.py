"""The thread settings are for small machines, and for processes in which TensorFlow has not started."""

import subprocess
import sys

import pytest
import tensorflow as tf

# One process for all: what is set is set back, until TensorFlow has started.
SCRIPT = """
import os
import tensorflow as tf
from keras_iresnet.runs.machine.threads import settle_threads

def settled(cores):
    os.cpu_count = lambda: cores
    found = settle_threads(), tf.config.threading.get_intra_op_parallelism_threads()
    if found[0]:
        tf.config.threading.set_intra_op_parallelism_threads(0)
    return found

print([settled(cores) for cores in (2, 1, 3)])
tf.constant(1)
print(settled(2))
"""


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="it is for machines without a GPU")
@pytest.mark.slow
def test_operations_get_one_thread_on_two_cores_before_tensorflow_starts():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    before, started = done.stdout.splitlines()[-2:]
    assert before == "[(True, 1), (True, 1), (False, 0)]"
    assert started == "(False, 0)"


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="it is for machines without a GPU")
def test_the_command_settles_threads_before_it_starts_tensorflow_and_keeps_float32():
    script = """
import os
os.cpu_count = lambda: 2
import keras_iresnet_cli
keras_iresnet_cli.cli.main(["list"], standalone_mode=False)
import tensorflow as tf
print(tf.config.experimental.tensor_float_32_execution_enabled())
print(tf.config.threading.get_intra_op_parallelism_threads())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-3:-1] == ["False", "1"]
