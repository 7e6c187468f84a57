import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.layers import InvertibleLayer, InvertibleResidualBlock, NotConvergedError


class Steep(keras.layers.Layer):
    """Contracts below 10 and expands above."""

    def call(self, x):
        return tf.where(tf.abs(x) < 10, 0.5 * x, -3.0 * x)

    def compute_output_shape(self, input_shape):
        return input_shape


GOOD, BAD = [[1.0], [2.0]], [[1.0], [20.0], [2.0]]


@pytest.fixture
def block():
    block = InvertibleResidualBlock(Steep(), max_steps=40)
    block.build((None, 1))
    return block


@pytest.mark.parametrize("on_failure", ["raise", "warn", "ignore"])
def test_inverse_that_converges_is_silent(block, on_failure):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(block.inverse(GOOD, on_failure=on_failure), np.array(GOOD) / 1.5, rtol=1e-5)


def test_failure_raises_by_default_with_count_residual_and_steps(block):
    report = block.inverse_and_report(BAD)[1]
    residual = f"{float(tf.reduce_max(report.residual)):.3g}"
    message = rf"1 of 3 did not. Received: largest residual {residual} after 40 steps".replace("+", r"\+")
    with pytest.raises(NotConvergedError, match=message):
        block.inverse(BAD)


def test_failure_warns_where_the_user_chose_so(block):
    with pytest.warns(RuntimeWarning, match="1 of 3 did not") as caught:
        x = block.inverse(BAD, on_failure="warn")
    assert caught[0].filename == __file__
    np.testing.assert_allclose(np.array(x)[[0, 2], 0], [1 / 1.5, 2 / 1.5], rtol=1e-5)


def test_failure_is_silent_only_where_the_user_chose_so(block):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        block.inverse(BAD, on_failure="ignore")
    report = block.inverse_and_report(BAD)[1]
    assert report.converged.numpy().tolist() == [True, False, True]


def compiled(block, on_failure, **options):
    return tf.function(lambda y: block.inverse(y, on_failure=on_failure), autograph=False, **options)


def test_failure_stops_a_compiled_function(block):
    function = compiled(block, "raise")
    np.testing.assert_allclose(function(tf.constant(GOOD)), np.array(GOOD) / 1.5, rtol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="The inverse did not converge"):
        function(tf.constant(BAD))


def test_failure_is_printed_by_a_compiled_function(block, capfd):
    function = compiled(block, "warn")
    function(tf.constant(GOOD))
    assert "did not converge" not in capfd.readouterr().err
    function(tf.constant(BAD))
    assert "The inverse did not converge. Number of samples, largest residual: 1 " in capfd.readouterr().err


def test_failure_is_nan_under_xla_for_the_samples_that_failed(block):
    x = compiled(block, "raise", jit_compile=True)(tf.constant(BAD)).numpy()
    np.testing.assert_allclose(x[[0, 2], 0], [1 / 1.5, 2 / 1.5], rtol=1e-5)
    assert np.isnan(x[1])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_failure_is_ignored_by_a_compiled_function_where_the_user_chose_so(block, jit_compile):
    x = compiled(block, "ignore", jit_compile=jit_compile)(tf.constant(BAD)).numpy()
    np.testing.assert_allclose(x[[0, 2], 0], [1 / 1.5, 2 / 1.5], rtol=1e-5)


def test_unknown_choice_is_refused(block):
    with pytest.raises(ValueError, match=r"`on_failure` must be one of .* Received: on_failure='stop'"):
        block.inverse(GOOD, on_failure="stop")


@keras.saving.register_keras_serializable(package="test")
class Doubling(InvertibleLayer):
    """What a user has to write for a layer with a closed form."""

    def _forward(self, x, carried):
        return 2 * x, tf.math.log(tf.constant(2, x.dtype)) * x.shape[-1]

    def _inverse(self, y, carried):
        return y / 2, None


def test_a_user_writes_two_methods_and_gets_the_rest(tmp_path):
    layer = Doubling()
    x = tf.constant([[1.0, 2.0, 3.0]])
    y, log_det = layer.forward_and_log_det(x)
    np.testing.assert_array_equal(y, layer(x))
    np.testing.assert_allclose(log_det, [3 * np.log(2)], rtol=1e-6)
    np.testing.assert_array_equal(layer.inverse(y), x)
    np.testing.assert_array_equal(layer.initialize(x), y)
    report = layer.inverse_and_report(y)[1]
    assert (report.steps.numpy(), report.residual.numpy(), report.converged.numpy()) == ([0], [0], [True])
    model = keras.Sequential([keras.Input((3,)), layer])
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(x), y)


@pytest.mark.parametrize("seed", [3, (3, 0), [3, 0], np.array([3, 0]), np.int64(3)])
def test_an_integer_or_a_pair_is_a_seed(seed):
    from keras_iresnet.layers import DenseBranch

    block = InvertibleResidualBlock(DenseBranch((5,)))
    x = tf.ones((3, 4))
    expected = block.forward_and_log_det(x, tf.constant([3, 0]))[1]
    np.testing.assert_array_equal(block.forward_and_log_det(x, seed)[1], expected)
