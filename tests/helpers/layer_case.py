"""What every layer of the package must do, as test classes: a layer's own test derives from one of them."""

import inspect
import json

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

import keras_iresnet as ki


class LayerCase:
    """Config, build, fit, saving and precision of a Keras layer.

    A subclass sets `input_shape` (one example) and implements `make`.
    """

    input_shape = (4,)

    def make(self, **kwargs):
        """A new layer; `kwargs` may hold `dtype`."""
        raise NotImplementedError

    def data(self, dtype="float64", batch=3, seed=0):
        x = np.random.default_rng(seed).normal(size=(batch, *self.input_shape))
        return tf.constant(x, dtype)

    def built(self, dtype="float64"):
        """A layer, built and far from the identity; its policy is the global one, for what it holds inside, too."""
        keras.config.set_dtype_policy(dtype)
        layer = self.make()
        layer.build((None, *self.input_shape))
        return oracles.leave_identity(layer)

    def model(self, dtype):
        layer = self.built(dtype)
        head = [keras.layers.Flatten(), keras.layers.Dense(1, dtype="float32")]
        return keras.Sequential([keras.Input(self.input_shape), layer, *head])

    def test_config_holds_json_and_gives_the_layer_back(self):
        layer = self.make()
        config = json.loads(json.dumps(layer.get_config()))
        again = type(layer).from_config(config)
        # Layers inside were not given a name: what counts is what they were given.
        assert json.dumps(again.get_config()) == json.dumps(layer.get_config())

    def test_constructor_arguments_stay_as_attributes(self):
        layer = self.make()
        for cls in type(layer).__mro__:
            if cls.__module__.startswith("keras_iresnet"):
                for name, parameter in inspect.signature(cls.__init__).parameters.items():
                    if name != "self" and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                        assert hasattr(layer, name), f"{cls.__name__}({name}=...) is not kept"

    def test_output_shape_is_the_declared_one(self):
        layer = self.make()
        x = self.data("float32")
        shape = layer.compute_output_shape(x.shape) if layer.built else None
        y = layer(x)
        assert layer.built
        assert tuple(y.shape) == tuple(layer.compute_output_shape(x.shape))
        assert shape in (None, tuple(y.shape))
        assert tuple(layer.compute_output_shape((None, *self.input_shape))) == (None, *y.shape[1:])

    def test_symbolic_output_is_the_real_one(self):
        layer = self.built("mixed_bfloat16")
        symbol = layer(keras.Input(self.input_shape))
        y = layer(self.data("float32"))
        assert symbol.shape == (None, *y.shape[1:])
        assert symbol.dtype == y.dtype.name

    def test_fit_moves_every_trainable_weight(self):
        model = self.model("float32")
        before = [weight.numpy() for weight in model.trainable_variables]
        model.compile(keras.optimizers.SGD(0.1), "mse")
        history = model.fit(self.data("float32", 4), np.arange(4.0), verbose=0)
        assert np.isfinite(history.history["loss"]).all()
        for old, weight in zip(before, model.trainable_variables, strict=True):
            assert np.abs(weight.numpy() - old).max() > 0, weight.path
            assert np.isfinite(weight.numpy()).all(), weight.path

    def test_saved_and_loaded_model_gives_the_same_output(self, tmp_path):
        model = self.model("mixed_bfloat16")
        model.save(tmp_path / "model.keras")
        keras.config.set_dtype_policy("float32")
        loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
        x = self.data("float32")
        np.testing.assert_allclose(loaded(x), model(x), rtol=1e-6, atol=1e-6)
        assert len(loaded.weights) == len(model.weights)
        for a, b in zip(loaded.weights, model.weights, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert loaded.layers[0].dtype_policy.name == "mixed_bfloat16"


class InvertibleCase(LayerCase):
    """Beside that: inverse, log-determinant and the dtype of the residual stream."""

    log_det_is_zero = False
    under_xla = True  # layers made of others need not be compiled once more

    def nearby(self, policy):
        """A float32 or mixed layer with the weights of the float64 one."""
        layer, reference = self.built(policy), self.built("float64")
        layer.set_weights(reference.get_weights())
        return layer, reference

    def test_log_det_is_that_of_the_jacobian(self):
        layer, x = self.built(), self.data()
        y, log_det = layer.forward_and_log_det(x, seed=1, estimator=ki.ExactLogDet())
        expected = oracles.log_abs_det(oracles.jacobian(layer, x))
        if not self.log_det_is_zero:
            assert np.abs(expected).max() > 0.1
        assert log_det.shape == (len(x),)
        np.testing.assert_allclose(log_det, expected, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(y, layer(x), rtol=1e-12)

    @pytest.mark.parametrize(("policy", "error"), [("float64", 1e-12), ("float32", 1e-5), ("mixed_bfloat16", 1e-5)])
    def test_inverse_gives_the_input_back(self, policy, error):
        layer = self.built(policy)
        x = self.data(layer.stream_dtype)
        y = layer(x)
        back, report = layer.inverse_and_report(y)
        assert back.dtype == x.dtype
        assert report.converged.numpy().all()
        assert report.converged.shape == report.residual.shape == report.steps.shape == (len(x),)
        np.testing.assert_allclose(back, x, rtol=0, atol=error * np.abs(x).max())
        np.testing.assert_array_equal(layer.inverse(y), back)

    @pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
    def test_stream_stays_in_float32_and_near_the_float64_result(self, policy):
        layer, reference = self.nearby(policy)
        x = self.data("float32")
        exact = ki.ExactLogDet()
        for training, error in [(False, 1e-5), (True, 1e-5 if policy == "float32" else 0.03)]:
            y, log_det = layer.forward_and_log_det(x, seed=1, training=training, estimator=exact)
            expected, expected_log_det = reference.forward_and_log_det(x, seed=1, estimator=exact)
            assert y.dtype == log_det.dtype == layer(x, training=training).dtype == tf.float32
            size = np.abs(expected).max()
            np.testing.assert_allclose(y, expected, rtol=0, atol=error * size)
            np.testing.assert_allclose(layer(x, training=training), expected, rtol=0, atol=error * size)
            dimension = np.prod(self.input_shape)
            np.testing.assert_allclose(log_det, expected_log_det, rtol=10 * error, atol=error * dimension)

    def test_evaluation_changes_no_weight(self):
        layer, x = self.built(), self.data()
        for weight in layer.weights:
            if weight.name == "kernel":  # small, so that the inverse converges whatever sigma is
                weight.assign(0.2 * weight)
            if weight.name == "u":  # far from converged, so that an iteration would show
                weight.assign(np.full(weight.shape, 1 / np.sqrt(np.prod(weight.shape))))
        before = [weight.numpy() for weight in layer.weights]
        y, _ = layer.forward_and_log_det(x, seed=1)
        layer(x)
        layer.inverse(y)
        for old, weight in zip(before, layer.weights, strict=True):
            np.testing.assert_array_equal(weight.numpy(), old)

    def test_weights_keep_their_dtype_under_mixed_precision(self):
        layer = self.built("mixed_bfloat16")
        assert {weight.dtype for weight in layer.weights} <= {"float32", "bool"}

    def test_compiled_for_any_batch_size_it_gives_the_eager_result(self):
        layer = self.built()

        @tf.function(
            input_signature=[tf.TensorSpec((None, *self.input_shape), tf.float64)],
            jit_compile=self.under_xla,
            autograph=False,
        )
        def there_and_back(x):
            y, log_det = layer.forward_and_log_det(x, seed=1, estimator=ki.ExactLogDet())
            return y, log_det, layer.inverse(y)

        x = self.data()
        y, log_det, back = there_and_back(x)
        expected, expected_log_det = layer.forward_and_log_det(x, seed=1, estimator=ki.ExactLogDet())
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(log_det, expected_log_det, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(back, x, rtol=0, atol=1e-10)

    def test_another_event_shape_is_refused(self):
        layer = self.built()
        other = tf.zeros((2, *self.input_shape[:-1], self.input_shape[-1] + 2), tf.float64)
        with pytest.raises(ValueError, match=r"shape=\(2, "):
            layer(other)
        with pytest.raises(ValueError, match=r"shape=\(2, "):
            layer.forward_and_log_det(other, seed=1)

    def test_inverse_of_another_shape_is_refused(self):
        layer = self.built()
        event = layer.compute_output_shape((None, *self.input_shape))[1:]
        for other in [(2, *event[:-1], event[-1] + 4), (2, *[2 * side for side in event]), (2, 1, *event)]:
            with pytest.raises(ValueError, match=r"Received: shape=\(2, "):
                layer.inverse(tf.zeros(other, tf.float64))

    def test_inverse_before_the_layer_is_built_is_refused(self):
        layer = self.make()
        event = self.built("float32").compute_output_shape((None, *self.input_shape))[1:]
        with pytest.raises(ValueError, match="built"):
            layer.inverse(tf.zeros((2, *event)))
