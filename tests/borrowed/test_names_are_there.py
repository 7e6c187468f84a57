"""What a new version of Keras, TensorFlow or TFP took away, in plain words."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_iresnet.borrowed import keras_names, tensorflow_names, tfp_names

OPTIMIZER = keras.optimizers.Optimizer
CLASS_NAMES = [
    (keras.layers.Layer, "_flatten_layers", "layers_in and layers_directly_in find layers inside layers by it"),
    (keras.layers.Layer(), "_trainable_variables", "own_variables lists a layer's own by it"),
    (keras.layers.Layer(), "_non_trainable_variables", "own_variables lists a layer's own by it"),
    (keras.Model, "_maybe_symbolic_build", "BuiltBeforehand overrides it, for `fit` on several machines"),
    (OPTIMIZER, "_clip_gradients", "OptimizerHooks.clip stands in for it"),
    (OPTIMIZER, "_all_reduce_sum_gradients", "OptimizerHooks.clip sees summed gradients by it"),
    (OPTIMIZER, "_update_model_variables_moving_average", "OptimizerHooks.update_averages and wrap_averaging need it"),
    (OPTIMIZER, "_distributed_tf_update_step", "OptimizerHooks.numbers_of_step stands in for its last argument"),
    (OPTIMIZER, "_get_variable_index", "OptimizerHooks.slots finds a weight's variables by it"),
    (tf.Module, "_no_dependency", "untracked keeps an attribute from being searched for variables by it"),
    (tfp.bijectors.Bijector, "_TF_MODULE_IGNORED_PROPERTIES", "without_tracking adds to it"),
]


@pytest.mark.parametrize(("cls", "name", "use"), CLASS_NAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_class_has_the_name(cls, name, use):
    assert hasattr(cls, name), f"{getattr(cls, '__name__', type(cls).__name__)} has no {name} any more: {use}"


@pytest.fixture(scope="module")
def model():
    """A model that has been fitted by an optimizer with averages."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(use_ema=True), "mse", metrics=["mae"])
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    return model


@pytest.mark.parametrize("name", ["_compile_loss", "_compile_metrics"])
def test_compiled_model_has_its_losses_and_metrics(model, name):
    assert hasattr(model, name), f"keras.Model has no {name} any more: build_losses_and_metrics builds it"
    assert getattr(model, name).built is True, f"keras.Model.{name} no longer says whether it is built"


@pytest.mark.parametrize(
    ("optimizer", "names"),
    [("Adam", ["_momentums", "_velocities"]), ("Adamax", ["_m", "_u"]), ("SGD", ["_model_variables_moving_average"])],
)
def test_optimizer_has_its_variables(optimizer, names):
    optimizer = getattr(keras.optimizers, optimizer)(use_ema=True)
    optimizer.build([keras.Variable([1.0])])
    for name in ["_iterations", *names]:
        assert hasattr(optimizer, name), f"keras's {type(optimizer).__name__} has no {name} any more"
    assert keras_names.steps_of(optimizer).value.dtype.is_integer


def test_layers_are_all_found_in_a_known_order():
    class Holder(keras.layers.Layer):
        def __init__(self, held, name):
            super().__init__(name=name)
            self.held = held

    inner = Holder([keras.layers.Dense(1, name="a"), keras.layers.Dense(1, name="b")], "inner")
    outer = Holder([inner, keras.layers.Dense(1, name="c")], "outer")
    words = "Keras's Layer._flatten_layers gives layers in another order now: the norms in TensorBoard are named by it"
    assert [layer.name for layer in keras_names.layers_in(outer)] == ["outer", "inner", "b", "a", "c"], words
    assert [layer.name for layer in keras_names.layers_directly_in(outer)] == ["inner", "c"], words


def test_direction_of_a_metric_is_looked_at():
    @keras_names.lower_is_better
    class Cost(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(y_pred)

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Cost(name="cost")])
    data = np.ones((4, 1)), np.ones(4)
    stopping = keras.callbacks.EarlyStopping(monitor="val_cost", mode="auto", patience=5)
    model.fit(*data, validation_data=data, callbacks=[stopping], verbose=0)
    assert stopping.monitor_op is keras.ops.less, "Keras no longer goes by a metric's _direction (lower_is_better)"


def test_fit_marks_its_calls_of_evaluate():
    seen = []

    class Watched(keras.Sequential):
        def evaluate(self, *args, **kwargs):
            seen.append(keras_names.is_within_fit(kwargs))
            return super().evaluate(*args, **kwargs)

    model = Watched([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    data = np.ones((4, 1)), np.ones(4)
    model.fit(*data, validation_data=data, verbose=0)
    model.evaluate(*data, verbose=0)
    assert seen == [True, False], "Keras's fit no longer says `_use_cached_eval_dataset`: is_within_fit cannot tell"


def test_tensorboard_counts_from_where_it_is_told(tmp_path):
    callback = keras_names.StepwiseTensorBoard(str(tmp_path), update_freq=1)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback.set_model(model)
    callback.on_train_begin()
    callback.count_from(40)
    callback.on_epoch_begin(0)
    callback.on_train_batch_begin(0)
    callback.on_train_batch_end(0, {"loss": 1.0})
    callback.on_train_end()
    (file,) = (tmp_path / "train").glob("*.v2")
    steps = {event.step for event in tf.compat.v1.train.summary_iterator(str(file)) if event.summary.value}
    assert 41 in steps, "keras.callbacks.TensorBoard no longer counts in _global_train_batch (StepwiseTensorBoard)"


def test_a_function_that_must_not_be_inlined_is_not():
    inner = tf.function(lambda x: x + 1, experimental_attributes=tensorflow_names.NOT_INLINED)
    outer = tf.function(lambda x: inner(x) * 2).get_concrete_function(tf.TensorSpec((), tf.float32))
    (name,) = (
        function for function in outer.graph.as_graph_def().library.function if "inference" in function.signature.name
    )
    words = "TensorFlow no longer takes the attribute _noinline of a tf.function (NOT_INLINED)"
    assert name.attr["_noinline"].b, words


def test_a_tape_is_seen():
    with tf.GradientTape():
        assert tensorflow_names.is_recording(), "TensorFlow no longer says whether a tape records (is_recording)"
    assert not tensorflow_names.is_recording()


def test_operations_tell_what_they_only_read():
    weight = tf.Variable(1.0)
    read = tf.function(lambda: weight + 1)
    written = tf.function(lambda: weight.assign(2.0))

    @tf.function
    def both():
        return read(), written()

    graph = both.get_concrete_function().graph
    handle = graph.captures[0][1]
    calls = [operation for operation in handle.consumers() if "PartitionedCall" in operation.type]
    assert [tensorflow_names.may_write(call, handle) for call in calls] == [False, True], (
        "TensorFlow no longer lists what a call only reads in _read_only_resource_inputs (may_write)"
    )


def test_untracked_values_are_not_searched():
    class Holder(tf.Module):
        def __init__(self):
            super().__init__()
            self.hidden = tfp_names.untracked(self, [tf.Variable(1.0)])
            self.seen = tf.Variable(2.0)

    found = Holder().variables
    assert len(found) in (1, 2)  # a plain module searches lists too: TFP's bijectors keep off by `without_tracking`

    @tfp_names.without_tracking("_weights")
    class Bijector(tfp.bijectors.Shift):
        def __init__(self):
            super().__init__(0.0)
            self._weights = [tf.Variable(1.0)]

    assert not Bijector().variables, "TFP no longer leaves out _TF_MODULE_IGNORED_PROPERTIES (without_tracking)"


def _with_ones(f, shape, dtype):
    return tfp_names.hutchinson_trace(f, shape, dtype, lambda shape, dtype, seed: tf.ones(shape, dtype), seed=0)


@pytest.mark.parametrize("trace", [tfp_names.exact_trace, _with_ones])
def test_traces_of_jacobians_are_made_as_the_bijector_wants_them(trace):
    x = tf.constant([[1.0, 2.0]])
    value, parts = trace(lambda time, z: time * z**2, x.shape, x.dtype)(3.0, (x, tf.zeros_like(x)))
    np.testing.assert_allclose(value, 3 * x**2)
    np.testing.assert_allclose(tf.reduce_sum(parts), 6 * tf.reduce_sum(x), err_msg="TFP's traces have changed")
