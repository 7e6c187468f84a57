"""TFP's FFJORD put together as ours: as many parameters, its images again, the log-determinant of its Jacobian."""

import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.benchmarks import peers
from keras_iresnet.benchmarks.rivals.ffjord_flow import FfjordFlow
from keras_iresnet.benchmarks.workload import Workload, build_flow

TINY = Workload(blocks=(1, 1), channels=4, size=4, batch_size=4)  # the second scale is one pixel


def test_it_has_our_parameters_and_a_few_for_the_time():
    sizes = Workload(blocks=(2, 2, 2), size=16)
    count = sum(np.prod(variable.shape) for variable in FfjordFlow(sizes).variables)
    flow = build_flow("dual", sizes)
    kernels = [
        layer for layer in flow._flatten_layers() if hasattr(layer, "power_iterations") and hasattr(layer, "kernel")
    ]
    ours = sum(np.prod(weight.shape) for layer in kernels for weight in (layer.kernel, layer.bias))
    assert count == ours + 6 * 9 * 128
    assert count < 1.03 * ours


@pytest.mark.slow
def test_log_det_is_that_of_the_jacobian_and_the_inverse_finds_the_images():
    flow = FfjordFlow(TINY)
    x = tf.constant(np.random.default_rng(0).random((1, 4, 4, 3), dtype=np.float32))
    many = tf.repeat(x, 256, 0)  # each has a probe of its own
    z, log_det = tf.function(flow.forward, autograph=False)(many)
    np.testing.assert_allclose(tf.function(flow.inverse, autograph=False)(z), many, atol=2e-2)
    assert np.abs(z - np.mean(z)).max() > 0.1
    exact = np.linalg.slogdet(_jacobian(flow, x))[1]
    assert abs(exact) > 0.1
    assert abs(np.mean(log_det) - exact) < 4 * np.std(log_det) / 16 + 5e-3


def _jacobian(flow, x):
    """By differences, in which the noise of single solves is small beside the step."""
    step, size = 1e-2, x.shape[1] * x.shape[2] * x.shape[3]
    there = tf.reshape(tf.eye(size) * step, (size, *x.shape[1:]))
    moved = tf.function(lambda x: flow.forward(x)[0], autograph=False)
    images = moved(tf.concat([x + there, x - there], 0)).numpy()
    return (images[:size] - images[size:]) / (2 * step)


@pytest.mark.slow
def test_a_step_trains():
    step = FfjordFlow(Workload(blocks=(1,), channels=4, size=4, batch_size=4)).training_step()
    losses = [step() for _ in range(8)]
    assert losses[-1] < losses[0]


@pytest.mark.slow
def test_its_inverse_tells_its_error_and_its_passes():
    facts = peers.ffjord_inverse(TINY, 4)()
    assert 0 < facts["largest_error"] < 2e-2
    assert facts["passes"] >= 12
