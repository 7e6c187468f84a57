"""Bounds of layers between different norms make a certificate where they compose, and nowhere else."""

import keras
import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet.layers import Concatenation, LipschitzActivation, SpectralDense
from keras_iresnet.layers.lipschitz import composed_norm

INF = float("inf")


def branch(*norms, between=()):
    """Dense layers of 16 units from norm to norm, with what stands between them."""
    layers = [SpectralDense(16, norm=norm, coeff=0.9) for norm in norms]
    return keras.Sequential([layers[0], *between, *layers[1:]])


def block(g):
    made = ki.layers.InvertibleResidualBlock(g, estimator=ki.ExactLogDet())
    made.build((None, 16))
    return made


def kernels_of(made):
    return [part for part in made.branch.layers if isinstance(part, SpectralDense)]


@pytest.mark.parametrize(
    ("g", "norm"),
    [
        (lambda: branch("inf", "inf"), INF),
        (lambda: branch(1, 1, between=[LipschitzActivation("maxmin")]), 1),
        (lambda: branch(3, 3, between=[keras.layers.ReLU()]), 3),
        (lambda: branch((1, 2), (2, "inf")), None),
        (lambda: branch((2, "inf"), "inf"), None),
        (lambda: branch((1, "inf"), (1, "inf")), None),
        (lambda: branch(1, "inf"), None),
        (lambda: branch("inf", 2), None),
        (lambda: branch("inf", "inf", between=[LipschitzActivation("householder")]), None),
        (lambda: branch("inf", "inf", between=[keras.layers.Dense(16, kernel_initializer="identity")]), None),
        (lambda: SpectralDense(16, norm=(1, "inf")), None),
        (lambda: SpectralDense(16, norm=(2, "inf")), None),
    ],
)
def test_a_certificate_holds_in_the_norm_that_the_parts_compose_in_or_not_at_all(g, norm):
    made = block(g())
    found = ki.certify(made)
    bounds = made.lipschitz_bounds()
    if norm is None:
        assert not found.invertible
        assert not np.isfinite(bounds.forward)
        assert "unknown, since" in str(found)
        assert "unknown" in str(ki.contract(made, max_lipschitz=0.9).certificate)
        return
    assert found.invertible
    (one,) = found.blocks
    assert one.norm == norm
    assert one.lip == pytest.approx(np.prod([part.norm for part in one.layers]))
    x = np.random.default_rng(0).normal(size=(400, 16)).astype("float32")
    y = np.asarray(made.branch(x)) - np.asarray(made.branch(np.zeros_like(x)))
    assert np.all(np.linalg.norm(y, norm, axis=1) <= one.lip * np.linalg.norm(x, norm, axis=1) * (1 + 1e-5))
    first, second = (np.asarray(part.normalized_kernel()) for part in kernels_of(made))
    assert np.abs(np.linalg.eigvals(first @ second)).max() < 1  # what contracts in any norm has no larger one


def test_a_concatenation_needs_one_norm():
    with pytest.raises(ValueError, match="is bounded from l_1 to l_inf, beside what it is given"):
        composed_norm(Concatenation(SpectralDense(4, norm=(1, "inf"))))


def test_a_declared_bound_is_euclidean():
    class Halved(keras.layers.Layer):
        def call(self, x):
            return x / 2

        def lipschitz_bound(self):
            return 0.5

    assert composed_norm(keras.Sequential([SpectralDense(4), Halved()])) == 2
    with pytest.raises(ValueError, match="is bounded from l_2 to l_2, after what is bounded in l_inf"):
        composed_norm(keras.Sequential([SpectralDense(4, norm="inf"), Halved()]))
