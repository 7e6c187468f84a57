"""Errors of inverses against solutions in float64 that share no code with the package."""

import keras
import numpy as np
import pytest
import small_classifiers
import small_flows
import tensorflow as tf
from exact_inverse import assert_close_and_below, exact_inverse
from oracles import leave_identity

import keras_iresnet as ki
from keras_iresnet import layers
from keras_iresnet.layers import inverse_program
from keras_iresnet.layers.blocks import branch_block


@pytest.fixture(autouse=True)
def uncompiled(request):
    """To trace a program takes longer than to run it once."""
    if "compiled" not in request.fixturenames:
        tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def compiled():
    """For a test of a program."""


def dense(coeff=0.9, **options):
    return layers.DenseBranch((8, 8), coeff=coeff, **options)


def residual(coeff=0.9, **options):
    return layers.InvertibleResidualBlock(dense(coeff), **options)


def keras_branch():
    first = keras.layers.Dense(8, activation="tanh", kernel_initializer="orthogonal", bias_initializer="ones")
    return keras.Sequential([first, keras.layers.Dense(4, kernel_initializer=keras.initializers.Orthogonal(0.8))])


class Doubling(layers.InvertibleLayer):
    """Of a user's own, which Keras was not told of, with a bound."""

    def build(self, input_shape):
        super().build(input_shape)
        self.log_scale = self.add_weight(name="log_scale", shape=(), initializer=keras.initializers.Constant(0.7))

    def _forward(self, x, carried):
        return x * tf.exp(self.log_scale), 4 * self.log_scale

    def _inverse(self, y, carried):
        return y * tf.exp(-self.log_scale), None

    def _bounds(self, lip_of):
        return ki.layers.map_bounds.of_scales(2.0, 2.1, 4 * np.log(2))


class SineBranch(keras.layers.Layer):
    """Of a user's own, of layers that were not told a precision."""

    def build(self, input_shape):
        self.dense = keras.layers.Dense(input_shape[-1], kernel_initializer=keras.initializers.Orthogonal(0.5))
        self.dense.build(input_shape)

    def call(self, x):
        return tf.sin(self.dense(x))


class DeclaredBranch(SineBranch):
    """The same, taken at its word."""

    def lipschitz_bound(self):
        return 0.5


MAKERS = {
    "block": residual,
    "chain": lambda: layers.Chain([layers.ActNorm(), residual(), layers.ActNorm(), residual(0.98)]),
    "columns": lambda: layers.Chain([layers.ColumnRanges((0,), [(1, -1.0, 9.0)]), layers.ActNorm(), residual()]),
    "monotone": lambda: layers.MonotoneBlock(dense()),
    "implicit": lambda: layers.ImplicitBlock(dense(), dense(0.7)),
    "inverse": lambda: layers.Inverse(layers.Chain([residual(), residual()])),
    "inverse of an inverse": lambda: layers.Inverse(layers.Inverse(residual())),
    "maximum norm": lambda: layers.InvertibleResidualBlock(dense(0.7, norm="inf")),
    "twice the same": lambda: layers.Chain([layers.ActNorm()] + [residual()] * 2),
    "keras": lambda: layers.InvertibleResidualBlock(keras_branch()),
}


def made(name, shape=(4,)):
    layer = MAKERS[name]()
    layer.build((None, *shape))
    return layer if name == "keras" else leave_identity(layer)


def points(count=200, seed=0, dtype="float32"):
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(dtype)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.sweep(2)
def test_no_error_is_above_the_bound_and_the_estimate_is_close(name):
    layer, y = made(name), 2 * points()
    x, report = layer.inverse_and_report(y, errors=True)
    np.testing.assert_array_equal(x, layer.inverse(y))
    assert_close_and_below(x, report, exact_inverse(layer, y))


@pytest.mark.parametrize("name", ["flow", "classifier"])
def test_models_with_all_that_stands_around_blocks(name):
    if name == "flow":
        flow = small_flows.image_flow()
        leave_identity(flow.layer)
        z = np.random.default_rng(0).normal(size=(100, 16)).astype("float32")
        z[0] *= 30  # where a logit has reached both ends
        x, report = flow.inverse_and_report(z, errors=True)
        exact = exact_inverse(flow.layer, z)
    else:
        clf = small_classifiers.classifier()
        leave_identity(clf.layer)
        z = clf.features(small_classifiers.labelled_images()[0])
        x, report = clf.invert(z, errors=True)
        exact = exact_inverse(clf.layer, z)
    assert_close_and_below(x, report, exact)


@pytest.mark.parametrize("branch", ["dense", "conv"])
def test_of_single_blocks_the_bound_is_close_too(branch):
    if branch == "dense":
        block, shape = residual(0.9), (4,)
    else:
        block, shape = layers.InvertibleResidualBlock(layers.ConvBranch(6, coeff=0.9)), (4, 4, 2)
    block.build((None, *shape))
    leave_identity(block)
    assert 0.7 < block.lipschitz_bounds().inverse_solves[0].lip <= 0.73
    y = np.random.default_rng(1).normal(size=(500, *shape)).astype("float32")
    x, report = block.inverse_and_report(y, errors=True)
    true = assert_close_and_below(x, report, exact_inverse(block, y))
    assert np.all(report.error_bound <= 10 * np.maximum(true, 1e-9))


def test_solves_that_stopped_early_are_as_far_off_as_is_said():
    layer, y = made("chain"), points()
    x, report = layer.inverse_and_report(y, tolerance=1e-2, errors=True)
    true = assert_close_and_below(x, report, exact_inverse(layer, y))
    assert true.max() > 1e-3
    layer.layers[1].max_steps = 2
    x, report = layer.inverse_and_report(y, errors=True)
    assert not report.converged.numpy().all()
    assert_close_and_below(x, report, exact_inverse(layer, y))


@pytest.mark.parametrize("name", ["chain", "implicit", "monotone"])
def test_what_the_reference_is_off_itself_is_in_the_bound(name, monkeypatch):
    monkeypatch.setattr(branch_block, "ROUNDING", 1e-2)  # where its solves end
    layer, y = made(name), 2 * points(1000)
    if name == "chain":  # the way back stretches: by 20, and by more where g is about -x
        layer.layers[0].log_scale.assign(-3 * tf.ones(4))
        last = layer.layers[1].branch.spectral_layers[-1].kernel
        last.assign(-last)
    x, report = layer.inverse_and_report(y, tolerance=0.1, errors=True)
    true = assert_close_and_below(x, report, exact_inverse(layer, y), share=0.0)
    assert np.mean(report.error_estimate < 0.99 * true) > 0.05


def test_nothing_is_proved_without_a_bound_and_the_estimate_is_close_all_the_same():
    unconstrained = layers.InvertibleResidualBlock(dense(None))
    odd = layers.InvertibleResidualBlock(SineBranch())
    for layer in (unconstrained, odd, ki.baselines.Coupling((8,))):
        layer.build((None, 4))
        if layer is unconstrained:
            for kernel in (part.kernel for part in layer.branch.spectral_layers):
                kernel.assign(1.01 * kernel / np.linalg.norm(kernel, 2))  # so that g contracts, which nobody knows
        chain = layers.Chain([residual(), layer])
        chain.build((None, 4))
        y = points()
        x, report = chain.inverse_and_report(y, errors=True)
        assert np.all(np.isinf(report.error_bound))
        assert report.converged.numpy().all()
        again = np.linalg.norm(chain(x) - y, axis=-1)
        assert np.all(report.error_estimate < 1e-5)
        assert np.median(report.error_estimate) > 0.05 * np.median(again) > 0


def test_what_ran_away_has_no_finite_error(compiled):
    block = layers.InvertibleResidualBlock(dense(None), max_steps=50)
    block.build((None, 4))
    for kernel in (part.kernel for part in block.branch.spectral_layers):
        kernel.assign(1e6 * kernel)
    _, report = block.inverse_and_report(points(5), errors=True)
    assert np.all(np.isinf(report.error_bound))
    assert not np.any(np.isnan(report.error_estimate))
    assert np.all(report.error_estimate.numpy() > 1)


def test_parts_of_a_users_own_with_bounds_have_errors_too():
    block = layers.InvertibleResidualBlock(DeclaredBranch())
    chain = layers.Chain([Doubling(), block])
    chain.build((None, 4))
    y = points()
    x, report = chain.inverse_and_report(y, errors=True)
    kernel = np.asarray(block.branch.dense.kernel, np.float64)
    exact = np.float64(y)
    for _ in range(200):
        exact = y - np.sin(exact @ kernel)
    assert_close_and_below(x, report, exact * np.exp(-np.float64(np.float32(0.7))))


def test_they_are_not_worked_out_unless_asked_for(monkeypatch):
    layer = made("block")
    monkeypatch.setattr(inverse_program, "proved", pytest.fail)
    report = layer.inverse_and_report(points())[1]
    assert report.error_bound is None
    assert report.error_estimate is None


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.sweep(2)
def test_in_a_compiled_function_and_infinite_once_other_weights_are_in_their_place(jit_compile, compiled):
    layer, y = made("chain"), points(20)

    @tf.function(jit_compile=jit_compile, autograph=False)
    def inverse(y):
        return layer.inverse_and_report(y, errors=True)

    x, report = inverse(y)
    assert_close_and_below(x, report, exact_inverse(layer, y), rounding=1e-6 if jit_compile else 1e-8)
    bias = layer.layers[1].branch.spectral_layers[0].bias
    bias.assign(bias + 0.5)
    x, report = inverse(y)
    assert np.all(np.isinf(report.error_bound))
    true = np.linalg.norm(exact_inverse(layer, y) - np.float64(x), axis=-1)
    np.testing.assert_allclose(report.error_estimate, true, atol=1e-6 if jit_compile else 1e-8)
    x, report = layer.inverse_and_report(y, errors=True)  # eagerly they are proved anew
    assert_close_and_below(x, report, exact_inverse(layer, y))


def test_shares_of_a_batch_side_by_side_have_their_own(monkeypatch, compiled):
    layer, y = made("chain"), points(7)
    expected = layer.inverse_and_report(y, errors=True)[1]
    monkeypatch.setattr(inverse_program, "_shares", lambda batch: 3)
    report = layer.inverse_and_report(y, errors=True)[1]
    np.testing.assert_allclose(report.error_bound, expected.error_bound, rtol=0.2, atol=1e-8)
    assert layer.inverse_and_report(y)[1].error_bound is None


def test_a_condition_counts_in_float64_too():
    block = layers.InvertibleResidualBlock(dense(condition_size=2))
    block.build((None, 4))
    leave_identity(block)
    condition = tf.random.stateless_normal((50, 2), (0, 3))
    x, report = block.inverse_and_report(points(50), condition=condition, errors=True)
    assert np.all(report.error_bound < 1e-5)
    assert np.all(report.error_estimate <= report.error_bound)
    other = block.inverse_and_report(points(50), condition=condition + 1)[0]
    assert np.abs(other - x).max() > 0.1


def test_float64_has_errors_of_its_own_rounding():
    keras.config.set_dtype_policy("float64")
    layer = made("chain")
    report = layer.inverse_and_report(points(dtype="float64"), errors=True)[1]
    assert report.error_bound.dtype == tf.float64
    assert np.all(report.error_bound < 1e-9)


def test_samples_have_them():
    flow = small_flows.point_flow()
    x, report = flow.sample_and_report(9, seed=1, errors=True)
    np.testing.assert_array_equal(x, flow.sample(9, seed=1))
    assert report.error_bound.shape == report.error_estimate.shape == (9,)
    assert np.all(report.error_bound < 1e-5)
