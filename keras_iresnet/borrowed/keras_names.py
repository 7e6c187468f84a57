"""What Keras does not promise to keep."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import keras
import tensorflow as tf
from keras.src.saving import saving_lib
from keras.src.utils.tracking import no_automatic_dependency_tracking

Metric = TypeVar("Metric", bound=type[keras.metrics.Metric])


def layers_in(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """A layer or model and all layers in it, however deep, the last first.

    `Model.layers` gives those of the first depth alone, and a layer has nothing of the kind.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.borrowed.keras_names import layers_in
    >>> [type(layer).__name__ for layer in layers_in(ki.layers.Chain([ki.layers.ActNorm()]))]
    ['Chain', 'ActNorm']
    """
    return list(layer._flatten_layers())


def layers_directly_in(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that a layer or model holds itself, in the order in which it was given them."""
    return list(layer._flatten_layers(include_self=False, recursive=False))


def own_variables(layer: keras.layers.Layer) -> list[keras.Variable]:
    """The variables that a layer or model holds itself, in the order of `load_own_variables`."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def lower_is_better(metric: Metric) -> Metric:
    """Class decorator for metrics: `ModelCheckpoint` and `EarlyStopping` with `mode="auto"` go by it.

    They guess from the names of Keras's own metrics otherwise, and refuse others.
    """
    metric._direction = "down"
    return metric


def weights_as_bytes(model: keras.Model) -> bytes:
    """What `save_weights` of a built model writes to a `.weights.h5` file, made in memory.

    On a disk that is full, HDF5 ends the whole process when it closes its file.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.borrowed.keras_names import weights_as_bytes
    >>> weights_as_bytes(ki.zoo.toy_flow(blocks=1, units=(8,)))[1:4]
    b'HDF'
    """
    file = io.BytesIO()
    store = saving_lib.H5IOStore(file, mode="w")
    saving_lib._save_state(model, weights_store=store, assets_store=None, inner_path="", visited_saveables=set())
    store.close()
    return file.getvalue()


def is_within_fit(options: Mapping[str, Any]) -> bool:
    """Whether the keyword arguments of `evaluate` are those with which `fit` calls it for its validation data."""
    return bool(options.get("_use_cached_eval_dataset"))


def build_losses_and_metrics(model: keras.Model, y: Any, y_pred: Any) -> None:
    """Make the variables of a compiled model's losses and metrics, for targets and outputs like these.

    Keras makes them in the first step, after a state that was saved has been put back.
    """
    for part in (model._compile_loss, model._compile_metrics):
        if part is not None and not part.built:
            part.build(y, y_pred)


class LossTracker(keras.metrics.Mean):
    """Keras's mean of the losses of batches, where a batch may count otherwise than by its number of examples."""

    counts: tf.Tensor | None = None

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """`values` the loss of a batch; `sample_weight` its number of examples, unless `counts` was set for it."""
        counts, self.counts = self.counts, None
        super().update_state(values, sample_weight if counts is None else counts)


@no_automatic_dependency_tracking  # as Keras's own `compile`: it is no part of the model
def track_losses(model: keras.Model) -> None:
    """Give a compiled model a `LossTracker`."""
    model._loss_tracker = LossTracker(name="loss")


def count_batch(model: keras.Model, count: tf.Tensor) -> None:
    """Say what the batch counts whose loss Keras is about to note; called within `compute_loss`."""
    if isinstance(model._loss_tracker, LossTracker):
        model._loss_tracker.counts = count


class BuiltBeforehand:
    """Mixin for models that have built all their variables when `fit` begins.

    To build them, Keras would take the mean of a batch's shares over all workers of several machines, images too.
    """

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Nothing is left to build."""


def steps_of(optimizer: keras.optimizers.Optimizer) -> keras.Variable:
    """The variable that counts steps; the public `iterations` counts updates, fewer where gradients are accumulated."""
    return optimizer._iterations


if TYPE_CHECKING:  # a mixin is taken for what it is mixed into
    from keras.optimizers import Optimizer as AnyOptimizer
else:
    AnyOptimizer = object


class OptimizerHooks(AnyOptimizer):
    """Mixin for Keras optimizers: the places of a step that Keras names for itself alone, under names that stay.

    A subclass overrides `clip`, `update_averages` or `numbers_of_step`; unchanged, they do what Keras does.
    """

    def clip(self, gradients: Sequence[tf.Tensor], *, summed: bool) -> Sequence[tf.Tensor]:
        """Clip gradients: those of one replica, then (`summed`) those that the replicas have added up."""
        return gradients if summed else self.clip_as_keras(gradients)

    def clip_as_keras(self, gradients: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        """Clip by the optimizer's `clipnorm`, `global_clipnorm` or `clipvalue`."""
        return super()._clip_gradients(gradients)

    def update_averages(self, pairs: Iterable[tuple[keras.Variable, keras.Variable | None]]) -> None:
        """Bring the averages of `use_ema` up to date, from pairs (weight, average or `None`)."""
        super()._update_model_variables_moving_average([weight for weight, _ in pairs])

    def numbers_of_step(self, learning_rate: tf.Tensor, dtypes: set[tf.DType]) -> Any:
        """What `update_step` gets as its `learning_rate`, for weights of these dtypes."""
        del dtypes
        return learning_rate

    def slots(self, variable: Any, *names: str) -> Iterator[keras.Variable]:
        """The optimizer's variables of the given kinds (`"momentums"`, `"velocities"` ...) for one weight."""
        index = self._get_variable_index(variable)
        return (getattr(self, f"_{name}")[index] for name in names)

    def _clip_gradients(self, grads):
        return self.clip(grads, summed=False)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        gradients, variables = zip(*super()._all_reduce_sum_gradients(grads_and_vars), strict=True)
        return list(zip(self.clip(gradients, summed=True), variables, strict=True))

    def _update_model_variables_moving_average(self, trainable_variables):
        if self.use_ema:
            self.update_averages(zip(trainable_variables, self._model_variables_moving_average, strict=True))

    def _distributed_tf_update_step(self, distribution, grads_and_vars, learning_rate):
        # Keras hands its third argument on to `update_step` for each weight, on the weight's own device.
        numbers = self.numbers_of_step(learning_rate, {variable.dtype for _, variable in grads_and_vars})
        super()._distributed_tf_update_step(distribution, grads_and_vars, numbers)


def wrap_averaging(optimizer: keras.optimizers.Optimizer, around: Callable[[Callable[[], None]], None]) -> None:
    """Let an optimizer update its averages by `around(update)`; of this object, whichever class it is of.

    A second call has no effect: an optimizer goes through many trainings.
    """
    if getattr(optimizer, "averaging_is_wrapped", False):
        return
    update = optimizer._update_model_variables_moving_average
    optimizer.averaging_is_wrapped = True
    optimizer._update_model_variables_moving_average = lambda variables: around(lambda: update(variables))


class StepwiseTensorBoard(keras.callbacks.TensorBoard):
    """`keras.callbacks.TensorBoard` whose count of steps can begin where an earlier process ended."""

    def count_from(self, step: int) -> None:
        """Count on from a number of steps; to be called after Keras's own `on_train_begin`."""
        self._global_train_batch = step

    def leave(self) -> None:
        """Give the default writer back, which Keras keeps, with a rule of when to write, where an error ends a fit."""
        while getattr(self, "_prev_summary_state", None):
            self._pop_writer()


def layer_test_case() -> type:
    """Keras's own tests of a layer, `TestCase.run_layer_test`: what a Keras layer has to do is written there."""
    from keras.src.testing import TestCase

    return TestCase


def mend_tf2onnx() -> None:
    """Make tf2onnx work beside NumPy 2, as Keras does before it exports by it."""
    from keras.src.export.tf2onnx_lib import patch_tf2onnx

    patch_tf2onnx()
