"""Learned dequantization noise: its density, the flow that uses it, and what evaluation says."""

import keras
import numpy as np
import oracles
import pytest
import scipy.stats
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ConvBranch, InvertibleResidualBlock, VariationalDequantizer
from keras_iresnet.ops.uniform import uniform
from keras_iresnet.runs.tasks.density_figures import density_figures

BINS = 5
SEEDS = tf.constant([1, 2]), tf.constant([3, 4])


def dequantizer(moved=True):
    block = InvertibleResidualBlock(ConvBranch(4, condition_size=3), estimator=ki.ExactLogDet())
    layer = VariationalDequantizer(block, keras.layers.Conv2D(3, 3, padding="same"))
    layer.build((None, 2, 2, 1))
    return oracles.leave_identity(layer) if moved else layer


def images(count=6, side=2):
    return np.random.default_rng(0).integers(0, BINS, (count, side, side, 1)).astype("uint8")


def test_density_of_the_noise_is_that_of_a_change_of_variables():
    keras.config.set_dtype_policy("float64")
    layer, x = dequantizer(), images()
    u, log_q = layer.draw(x, BINS, *SEEDS)
    share = uniform(x.shape, SEEDS[0], tf.float64).numpy() + 2.0**-54
    start = tf.constant(np.log(share) - np.log1p(-share))
    context = layer.context(tf.cast(x, tf.float64) * 2 / (BINS - 1) - 1)

    def noise(start):
        return tf.sigmoid(layer.layer(start, condition=context))

    np.testing.assert_allclose(u, noise(start), atol=1e-12)
    expected = scipy.stats.logistic.logpdf(start).sum((1, 2, 3)) - oracles.log_abs_det(oracles.jacobian(noise, start))
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(log_q, expected, rtol=1e-8)


def test_noise_depends_on_the_image_and_the_seed():
    layer = dequantizer()
    first = layer.draw(images(), BINS, *SEEDS)[0]
    other_image = layer.draw((images() + 1) % BINS, BINS, *SEEDS)[0]
    other_seed = layer.draw(images(), BINS, tf.constant([5, 6]), SEEDS[1])[0]
    assert np.abs(first - other_image).max() > 0.01
    assert np.abs(first - other_seed).max() > 0.1
    np.testing.assert_array_equal(layer.draw(images(), BINS, *SEEDS)[0], first)


class Doubling(ki.layers.InvertibleLayer):
    def _forward(self, x, carried):
        return 2 * x, float(np.prod(x.shape[1:]) * np.log(2))

    def _inverse(self, y, carried):
        return y / 2, None


def test_integral_of_the_bound_is_the_probability():
    # E_q[p(u) / q(u)] = 1 for any q that covers the bin, whatever p is uniform on it: importance weights are unbiased.
    layer = VariationalDequantizer(Doubling(), keras.layers.Conv2D(1, 1))
    x = np.zeros((20_000, 1, 1, 1), "uint8")
    _, log_q = layer.draw(x, BINS, *SEEDS)
    assert np.mean(-log_q) < -0.1  # Jensen's gap of a q that is not uniform
    oracles.assert_mean(np.exp(-log_q.numpy().astype(np.float64)), 1.0)


def small_flow(**options):
    keywords = {"bins": BINS, "blocks": (1,), "channels": 4, "seed": 0, "dequantization": "variational", **options}
    return ki.zoo.image_flow((4, 4, 1), **keywords)


@pytest.fixture(scope="module")
def trained():
    flow = small_flow()
    rng = np.random.default_rng(0)
    level = rng.uniform(0, BINS - 1, (256, 1, 1, 1)) + 0.3 * rng.normal(size=(256, 4, 4, 1))
    data = np.clip(np.round(level), 0, BINS - 1).astype("uint8")
    flow.compile(keras.optimizers.Adamax(0.02))
    history = flow.fit(data, batch_size=32, epochs=12, verbose=0).history["bits_per_dim"]
    return flow, data, history


def test_it_is_trained_along(trained):
    flow, data, history = trained
    assert history[-1] < history[0] - 0.1
    assert {weight.path for weight in flow.dequantizer.trainable_weights} <= {w.path for w in flow.trainable_weights}
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(flow.log_prob(data, seed=1, training=True))
    weights = [weight for weight in flow.dequantizer.trainable_weights if "condition" in weight.path]
    assert len(weights) == 4
    for gradient in tape.gradient(loss, [weight.value for weight in weights]):
        assert np.abs(gradient).max() > 0


def test_likelihood_of_images_is_that_of_points_less_the_density_of_the_noise(trained):
    flow, data, _ = trained
    noise, log_q = flow.dequantizer.draw(data, BINS, *SEEDS)
    exact = ki.ExactLogDet()
    x = (data + noise.numpy()) / BINS
    expected = (
        flow.log_prob(x.astype("float32"), estimator=exact)
        - flow.dequantizer.draw(data, BINS, *SEEDS, carried=ki.layers.Carried(estimator=exact))[1]
    )
    np.testing.assert_allclose(flow.log_prob_by_seeds(data, *SEEDS, estimator=exact), expected, rtol=1e-4, atol=1e-3)
    assert np.abs(log_q).max() > 0.1
    np.testing.assert_array_equal(flow.to_images(x.astype("float32")), data)


def test_evaluation_reports_both_and_says_which_is_a_bound(trained):
    flow, data, _ = trained
    uniform_noise, bound = (
        ki.evaluate_bits_per_dim(flow, data, dequantization=kind, max_passes=2) for kind in ("uniform", "variational")
    )
    assert (uniform_noise.is_bound, bound.is_bound) == (False, True)
    assert str(bound).startswith("At most ")
    assert "by a variational bound" in str(bound)
    assert "bound (" not in str(uniform_noise)
    assert bound.dequantization_standard_error > 0
    assert bound.mean < uniform_noise.mean  # which the flow was not trained for
    splits = type("Splits", (), {"test": tf.data.Dataset.from_tensor_slices(data), "bins": BINS})
    figures = density_figures(flow, splits, "test", seed=0, progress=False, max_passes=2)
    assert figures["test_bits_per_dim"] == pytest.approx(uniform_noise.mean, abs=0.02)
    assert figures["test_variational_bits_per_dim_bound"] == pytest.approx(bound.mean, abs=0.02)


def test_flow_with_it_is_saved_and_loaded(trained, tmp_path):
    flow, data, _ = trained
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(loaded.log_prob(data, seed=3), flow.log_prob(data, seed=3), rtol=1e-5, atol=1e-4)


def test_what_has_no_bound_is_refused():
    plain = ki.zoo.image_flow((4, 4, 1), bins=BINS, blocks=(1,), channels=4)
    assert plain.dequantizer is None
    with pytest.raises(ValueError, match=r"for a flow with a dequantizer. Received: dequantization='variational'"):
        ki.evaluate_bits_per_dim(plain, images(side=4), dequantization="variational")
    with pytest.raises(ValueError, match=r"`dequantization` must be one of .* Received: dequantization='normal'"):
        small_flow(dequantization="normal")
    with pytest.raises(ValueError, match="is for images"):
        ki.Flow(ki.layers.ActNorm(), (3,), dequantizer=dequantizer())
    with pytest.raises(ValueError, match="`dequantizer` must be none"):
        ki.Hybrid(ki.layers.Chain([]), (2, 2, 1), 3, bins=BINS, dequantizer=dequantizer())


@pytest.mark.parametrize(
    ("context", "given"),
    [
        (lambda: keras.layers.Conv2D(2, 3, padding="same"), r"\(None, 4, 4, 2\)"),
        (lambda: keras.layers.Conv2D(3, 2, strides=2), r"\(None, 2, 2, 3\)"),
        (lambda: keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)]), r"\(None, 2\)"),
    ],
)
def test_a_context_that_the_branches_cannot_take_is_refused(context, given):
    block = InvertibleResidualBlock(ConvBranch(4, condition_size=3))
    message = rf"`context` must give .* \(None, 4, 4, 3\)\. Received: .*, which gives {given} for images of \(4, 4, 1\)"
    with pytest.raises(ValueError, match=message):
        VariationalDequantizer(block, context()).build((None, 4, 4, 1))


def test_a_context_may_be_the_same_at_every_pixel_but_has_to_be_a_layer():
    for context in (keras.layers.GlobalAveragePooling2D(), keras.layers.GlobalAveragePooling2D(keepdims=True)):
        block = InvertibleResidualBlock(ConvBranch(4, condition_size=1))
        layer = VariationalDequantizer(block, context)
        assert layer.draw(images(side=4), BINS, *SEEDS)[0].shape == (6, 4, 4, 1)
    with pytest.raises(ValueError, match=r"`context` must be a Keras layer\. Received: context=None"):
        VariationalDequantizer(block, None)
