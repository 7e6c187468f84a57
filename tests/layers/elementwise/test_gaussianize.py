import numpy as np
import pytest
import tensorflow as tf
from layer_case import InvertibleCase
from scipy import stats

from keras_iresnet.layers import Gaussianize

SHARES = np.array([0.6, 0.05, 0.05, 0.02, 0.15, 0.13])  # a common value at an end, one inside, and two runs
BINS = len(SHARES)


def pixels(n=20_000, seed=0):
    """Values of the shares above, with their noise, (n, 2) in float64."""
    rng = np.random.default_rng(seed)
    return (rng.choice(BINS, (n, 2), p=SHARES) + rng.uniform(size=(n, 2))) / BINS


def counted(**kwargs):
    layer = Gaussianize(BINS, **({"common": 0.14, "dtype": "float64"} | kwargs))
    layer.initialize(pixels())
    return layer


class TestGaussianize(InvertibleCase):
    input_shape = (3, 2)

    def make(self, **kwargs):
        return Gaussianize(BINS, **kwargs)

    def built(self, dtype="float64"):
        layer = super().built(dtype)
        layer.initialize(tf.constant(pixels(300).reshape(100, 3, 2)))
        return layer

    def data(self, dtype="float64", batch=3, seed=0):
        x = np.random.default_rng(seed).uniform(0.02, 0.98, (batch, *self.input_shape))
        return tf.constant(x, dtype)


def test_each_common_value_and_each_run_between_is_normal_and_beside_the_last():
    layer = counted(scale=2.0, limit=4.0)
    x = pixels(seed=1)
    y, value = layer(x).numpy().ravel(), np.floor(x.ravel() * BINS)
    groups = [((0,), 0, 1), ((1, 2, 3), 12, 2), ((4,), 24, 1), ((5,), 36, 2)]
    for members, center, scale in groups:
        inside = y[np.isin(value, members)]
        assert stats.kstest(inside, stats.norm(center, scale).cdf).pvalue > 1e-3
        assert np.abs(inside - center).max() <= 5 * scale
    np.testing.assert_allclose(layer(np.array([[1 / BINS, 5 / BINS]]))[0], [4, 28], rtol=1e-9)  # borders


def test_a_rare_value_takes_the_share_of_the_line_that_it_has_of_its_group():
    y = counted(limit=3.0)(np.arange(1, 4)[:, None] / BINS * [[1, 1]])[:, 0].numpy()
    counts = 1 + np.bincount(np.floor(pixels().ravel() * BINS).astype(int))[1:4]
    lowest, highest = stats.norm.cdf([-3, 3])
    below = lowest + (highest - lowest) * np.array([0, counts[0], counts[0] + counts[1]]) / counts.sum()
    np.testing.assert_allclose(y, 3 * (1 + 1.5) + 1.5 * stats.norm.ppf(below), rtol=1e-9)


def test_without_a_histogram_it_is_a_probit():
    x = np.random.default_rng(0).uniform(0.01, 0.99, (5, 3))
    y = Gaussianize(16, scale=1.0, dtype="float64")(x)
    np.testing.assert_allclose(y, stats.norm.ppf(x), atol=1e-4)


def test_values_that_never_occurred_keep_a_place():
    layer = Gaussianize(BINS, dtype="float64")
    layer.initialize(np.full((1000, 1), 0.5 / BINS))
    x = np.linspace(0, 1, 97)[:, None]
    y, log_det = layer.forward_and_log_det(x)
    assert (np.diff(y[:, 0]) > 0).all()
    assert np.isfinite(log_det).all()
    np.testing.assert_allclose(layer.inverse(y), x, atol=1e-9)


def test_the_ends_of_the_data_space_and_far_latents_stay_finite_in_float32():
    layer = counted(dtype="float32")
    y, log_det = layer.forward_and_log_det(tf.constant([[0.0, 1.0]]))
    assert np.isfinite(y).all()
    assert np.isfinite(log_det).all()
    x = layer.inverse(tf.constant([[-1e3, 1e3]])).numpy()
    np.testing.assert_allclose(x, [[0, 1]], atol=1e-6)


def test_float32_gives_pixels_back_to_a_thousandth_of_their_noise():
    layer = counted(dtype="float32")
    x = tf.constant(pixels(seed=2), tf.float32)
    np.testing.assert_allclose(layer.inverse(layer(x)), x, atol=1e-3 / BINS)


def test_float32_tells_shares_apart_that_are_next_to_1():
    exact, layer = counted(), counted(dtype="float32")
    x = 1 - 2.0 ** -np.arange(10, 24).reshape(7, 2).astype("float32")
    np.testing.assert_allclose(layer(x), exact(x.astype("float64")), atol=2e-3)
    # Of a million pixels none has a value above 1: those values share a millionth of the line's top.
    layer = Gaussianize(BINS, common=1.0, dtype="float32")
    layer.initialize(np.full((1_000_000, 1), 1.5 / BINS))
    x = (np.arange(2, BINS)[:, None] + np.linspace(0.1, 0.9, 9)).reshape(-1, 1) / BINS
    np.testing.assert_allclose(layer.inverse(layer(x)), x, atol=0.01 / BINS)


def test_the_histogram_is_a_weight_that_no_gradient_moves():
    layer = counted()
    assert not layer.trainable_variables
    assert [weight.name for weight in layer.weights] == ["values", "counted"]


@pytest.mark.parametrize("outside", [-0.25, 1.25, 255.0, float("nan")])
def test_points_outside_the_data_space_are_refused(outside):
    layer = counted(dtype="float32")
    x = tf.constant([[0.5, 0.125], [0.75, outside]])
    with pytest.raises(ValueError, match=rf"Gaussianize\(bins={BINS}\) maps \[0, 1\]: x must lie in it. Received: "):
        layer.forward_and_log_det(x)
    with pytest.raises(tf.errors.InvalidArgumentError, match="x must lie in it"):
        tf.function(layer.forward_and_log_det)(x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 1}, "`bins` must be an integer of at least 2. Received: bins=1"),
        ({"bins": 4.0}, "`bins` must be an integer of at least 2. Received: bins=4.0"),
        ({"common": 0}, r"`common` must lie in \(0, 1\]. Received: common=0"),
        ({"common": 1.5}, r"`common` must lie in \(0, 1\]. Received: common=1.5"),
        ({"scale": 0.0}, "`scale` must be positive and finite. Received: scale=0.0"),
        ({"scale": float("inf")}, "`scale` must be positive and finite. Received: scale=inf"),
        ({"limit": 0.5}, r"`limit` must lie in \[1, 5\]. Received: limit=0.5"),
        ({"limit": float("nan")}, r"`limit` must lie in \[1, 5\]. Received: limit=nan"),
    ],
)
def test_arguments_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Gaussianize(**options)
