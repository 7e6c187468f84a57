"""The thread settings are for small machines, and for processes in which TensorFlow has not started."""

import subprocess
import sys

import pytest
import tensorflow as tf

SCRIPT = """
import os
import tensorflow as tf
from keras_iresnet.runs.machine.threads import settle_threads

os.cpu_count = lambda: {cores}
if {started}:
    tf.constant(1)
print(settle_threads(), tf.config.threading.get_intra_op_parallelism_threads())
"""


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="it is for machines without a GPU")
@pytest.mark.parametrize(
    ("cores", "started", "expected"),
    [(2, False, "True 1"), (1, False, "True 1"), (3, False, "False 0"), (2, True, "False 0")],
)
def test_operations_get_one_thread_on_two_cores_before_tensorflow_starts(cores, started, expected):
    script = SCRIPT.format(cores=cores, started=started)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == expected


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="it is for machines without a GPU")
def test_the_command_settles_threads_before_it_starts_tensorflow():
    script = """
import os
os.cpu_count = lambda: 2
import keras_iresnet_cli
keras_iresnet_cli.cli.main(["list"], standalone_mode=False)
import tensorflow as tf
print(tf.config.threading.get_intra_op_parallelism_threads())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "1"
