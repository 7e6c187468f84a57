"""By whatever door equal data come in, in whatever unit, type and number: one density, or a refusal."""

import functools
import tempfile

import keras
import numpy as np
import oracles
import pytest
import small_flows
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_iresnet as ki

POINTS = small_flows.points(64)
IMAGES = small_flows.images(64)


@functools.cache
def point_flow(power):
    """The same flow for each unit: initialised from the same points, in units of 10^-power."""
    keras.utils.set_random_seed(1)
    flow = small_flows.point_flow(seed=1)
    flow.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    oracles.leave_identity(flow.layer.layers[1].branch)
    flow.initialize(POINTS * np.float64(10) ** power)
    return flow


@functools.cache
def image_flow():
    """Nothing in it is random but the noise in the bins, which data in data space have in them already."""
    block = ki.layers.InvertibleResidualBlock(ki.layers.ConvBranch(4), estimator=ki.ExactLogDet())
    flow = ki.Flow(ki.layers.Chain([ki.layers.Squeeze(), ki.layers.ActNorm(), block]), (4, 4, 1), bins=5, seed=1)
    flow.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    flow.initialize(IMAGES)
    return flow


@functools.cache
def exported(flow):
    folder = tempfile.mkdtemp()
    flow.export(folder, verbose=False)
    return tf.saved_model.load(folder).signatures["log_prob"]


def nats(flow, loss):
    """The mean log-likelihood behind a loss."""
    if flow.bins is None:
        return -loss
    return (np.log2(flow.bins) - loss) * flow.dimension * np.log(2)


MEANS = {
    "fit": lambda flow, x: nats(flow, flow.fit(x, batch_size=len(x), epochs=1, verbose=0).history["loss"][0]),
    "train_on_batch": lambda flow, x: nats(flow, float(flow.train_on_batch(x)[0])),
    "evaluate": lambda flow, x: nats(flow, flow.evaluate(x, verbose=0, return_dict=True)["loss"]),
    "score": lambda flow, x: flow.score(x),
}
EACH = {
    "call": lambda flow, x: flow(x),
    "predict": lambda flow, x: flow.predict(x, batch_size=3, verbose=0),
    "score_samples": lambda flow, x: flow.score_samples(x),
    "distribution": lambda flow, x: flow.distribution.log_prob(tf.cast(x, "float32")),
    "bijector": lambda flow, x: (
        flow.prior.distribution().log_prob(flow.bijector.forward(tf.cast(x, "float32")))
        + flow.bijector.forward_log_det_jacobian(tf.cast(x, "float32"))
    ),
}


def assert_one_density(flow, x, expected):
    for name, ask in EACH.items():
        np.testing.assert_allclose(ask(flow, x), expected, atol=2e-3, err_msg=name)
    for name, ask in MEANS.items():
        np.testing.assert_allclose(ask(flow, x), np.mean(expected), atol=2e-3, err_msg=name)


@settings(max_examples=8, deadline=None)
@given(
    power=st.sampled_from([-12, -3, 0, 12]),
    rows=st.integers(1, 7),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_points(power, rows, dtype):
    plain, x = point_flow(0), POINTS[:rows].astype(dtype)
    expected = plain.log_prob(x).numpy() - 2 * power * np.log(10)
    assert_one_density(point_flow(power), x * np.array(10.0**power, dtype), expected)


@settings(max_examples=4, deadline=None)
@given(rows=st.integers(1, 7), dtype=st.sampled_from(["float32", "float64"]))
def test_images_in_data_space(rows, dtype):
    flow = image_flow()
    x = flow.to_data(IMAGES[:rows], seed=3).numpy().astype(dtype)
    assert_one_density(flow, x, flow.log_prob(x).numpy())


@settings(max_examples=6, deadline=None)
@given(dtype=st.sampled_from(["uint8", "int8", "int16", "int32", "int64"]), seed=st.integers(-5, 5))
def test_integers_of_any_type_are_the_same_images(dtype, seed):
    flow = image_flow()
    expected = flow.log_prob(IMAGES[:5], seed)
    np.testing.assert_allclose(flow.log_prob(IMAGES[:5].astype(dtype), seed), expected, rtol=1e-6)
    np.testing.assert_allclose(flow.score_samples(IMAGES[:5].astype(dtype), seed=seed), expected, rtol=1e-6)


def test_what_is_exported():
    flow = point_flow(-12)
    x = (POINTS[:5] * 1e-12).astype("float32")
    found = exported(flow)(x=tf.constant(x), seed=tf.constant(0))["output_0"]
    np.testing.assert_allclose(found, flow.log_prob(x), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "complex64"])
def test_points_of_other_types_are_refused_at_every_door(dtype):
    flow, x = point_flow(0), POINTS[:5].astype(dtype)
    doors = (flow.log_prob, flow, flow.predict, flow.evaluate, flow.fit, flow.train_on_batch, flow.forward)
    for ask in doors:
        with pytest.raises(ValueError, match=rf"must be floats.*Received: dtype={dtype}"):
            ask(x)
