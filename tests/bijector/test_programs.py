import numpy as np
import oracles
import pytest
import small_flows
import tensorflow as tf
from bijector_case import data, normal, points_layer, tfb, tfd, view

import keras_iresnet as ki
from keras_iresnet.layers import Chain, ConvBranch, InvertibleResidualBlock, Squeeze


@pytest.mark.parametrize("outer", [tfb.NormalCDF(), tfb.Chain([tfb.Sigmoid(), tfb.Scale(tf.constant(1.5, "float64"))])])
def test_chained_density_integrates_to_1(points, outer):
    # Narrow enough for the density to vanish at the edge of the square.
    base = tfd.MultivariateNormalDiag(tf.zeros(2, tf.float64), 0.3 * tf.ones(2, tf.float64))
    density = tfd.TransformedDistribution(base, tfb.Chain([outer, tfb.Invert(points)]))
    side = (np.arange(300) + 0.5) / 300
    grid = np.stack(np.meshgrid(side, side), -1)
    mass = np.exp(density.log_prob(grid))
    assert mass.max() > 3 * mass.mean()
    assert mass.mean() == pytest.approx(1, abs=1e-3)
    assert np.all((density.sample(50, seed=1) > 0) & (density.sample(50, seed=1) < 1))


def test_independent_and_joint_distributions(points):
    batch = tfd.TransformedDistribution(normal(2, batch=(3,)), tfb.Invert(points))
    assert batch.batch_shape == (3,)
    assert batch.event_shape == (2,)
    x = batch.sample(4, seed=1)
    rows = tfd.Independent(batch, 1)
    np.testing.assert_allclose(rows.log_prob(x), tf.reduce_sum(batch.log_prob(x), -1))
    joint = tfd.JointDistributionSequential([rows, lambda x: tfd.Independent(tfd.Normal(x, tf.ones_like(x)), 2)])
    first, second = joint.sample(5, seed=2)
    assert first.shape == second.shape == (5, 3, 2)
    noise = -0.5 * np.sum((second - first) ** 2 + np.log(2 * np.pi), (-1, -2))
    np.testing.assert_allclose(joint.log_prob([first, second]), rows.log_prob(first) + noise)


def test_flow_gives_its_bijector_and_its_distribution():
    flow = ki.zoo.toy_flow(blocks=2, units=(8,), seed=1)
    flow.initialize(data(200, 2, dtype="float32") * [1.0, 3.0])
    x = data(9, 2, dtype="float32")
    np.testing.assert_allclose(flow.bijector.forward(x), flow.forward(x), rtol=1e-6)
    np.testing.assert_allclose(flow.distribution.log_prob(x), flow.log_prob(x), rtol=1e-4, atol=1e-4)
    flow.prior.log_scale.assign(flow.prior.log_scale + 0.5)
    np.testing.assert_allclose(flow.distribution.log_prob(x), flow.log_prob(x), rtol=1e-4, atol=1e-4)
    assert {id(one) for one in flow.distribution.trainable_variables} == {
        id(one.value) for one in flow.trainable_variables
    }


def test_latents_of_a_flow_are_one_vector():
    chain = Chain([Squeeze(), InvertibleResidualBlock(ConvBranch(4))])
    flow = ki.Flow(chain, (4, 4, 1), bins=5)
    x = tf.random.stateless_uniform((3, 4, 4, 1), (1, 2))
    np.testing.assert_allclose(flow.bijector.forward(x), flow.forward(x), rtol=1e-6)
    assert flow.distribution.event_shape == (4, 4, 1)
    assert flow.distribution.sample((2, 3), seed=1).shape == (2, 3, 4, 4, 1)


def test_samples_carry_the_gradient_of_the_inverse():
    layer = points_layer()
    density = tfd.TransformedDistribution(normal(2), tfb.Invert(view(layer, (2,))))
    kernel = layer.layers[1].branch.spectral_layers[1].kernel

    def mean_square(value):
        kernel.assign(value)
        return tf.reduce_mean(density.sample(20, seed=(1, 2)) ** 2)

    start = 0.2 * kernel.numpy()  # below the bound, so that sigma does not enter
    with tf.GradientTape() as tape:
        loss = mean_square(start)
    gradient = tape.gradient(loss, kernel.value)
    expected = oracles.difference_gradient(mean_square, start)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-8)


def test_xla_gives_the_eager_density_and_sample(points):
    density = tfd.TransformedDistribution(normal(2), tfb.Invert(points))
    x = data(5, 2)
    log_prob = tf.function(density.log_prob, jit_compile=True, autograph=False)
    np.testing.assert_allclose(log_prob(x), density.log_prob(x), rtol=1e-9)
    inverse = tf.function(points.inverse, jit_compile=True, autograph=False)
    np.testing.assert_allclose(inverse(x), points.inverse(x), rtol=1e-9)
    sample = tf.function(lambda: density.sample(1000, seed=(1, 2)), jit_compile=True, autograph=False)
    oracles.assert_mean(points.forward(sample()), [0.0, 0.0])


def test_mixed_precision_keeps_the_density_in_float32():
    layer, reference = points_layer("mixed_bfloat16"), points_layer("float32")
    densities = [
        tfd.TransformedDistribution(normal(2, "float32"), tfb.Invert(view(one, (2,)))) for one in (layer, reference)
    ]
    x = data(5, 2, dtype="float32")
    mixed, expected = (density.log_prob(x) for density in densities)
    assert mixed.dtype == tf.float32
    np.testing.assert_allclose(mixed, expected, rtol=1e-5)


def test_saved_log_prob_is_that_of_the_distribution(points, tmp_path):
    module = tf.Module()
    module.density = tfd.TransformedDistribution(normal(2), tfb.Invert(points))
    signature = [tf.TensorSpec((None, 2), tf.float64)]
    module.log_prob = tf.function(module.density.log_prob, input_signature=signature, autograph=False)
    tf.saved_model.save(module, tmp_path / "density")
    loaded = tf.saved_model.load(tmp_path / "density")
    x = data(6, 2)
    np.testing.assert_allclose(loaded.log_prob(x), module.density.log_prob(x), rtol=1e-9)


def test_probes_of_a_flows_distribution_can_be_fixed_or_done_without():
    flow = oracles.leave_identity(small_flows.image_flow(seed=1))
    x = flow.to_data(small_flows.images(6), seed=1)
    plain, fixed = flow.distribution, flow.as_distribution(seed=3)
    exact = flow.as_distribution(estimator=ki.ExactLogDet())
    assert np.abs(plain.log_prob(x) - plain.log_prob(tf.identity(x))).max() > 1e-4
    np.testing.assert_array_equal(fixed.log_prob(x), fixed.log_prob(tf.identity(x)))
    np.testing.assert_allclose(exact.log_prob(x), flow.log_prob(x, estimator=ki.ExactLogDet()), rtol=1e-4)
