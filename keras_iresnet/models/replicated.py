"""What a Keras model needs to be fitted by several machines."""

import tensorflow as tf

from keras_iresnet.optimizers import by_name


class Replicated:
    """Mixin for Keras models that build all their variables themselves, when they are made and compiled.

    Keras 3 fits under `tf.distribute.MultiWorkerMirroredStrategy`, but for two things: before the first step it takes
    the mean of a batch's shares over all workers, images too; and it averages the metrics of a step along their first
    axis, which a scalar has not.
    """

    def compile(self, optimizer, loss, metrics, **kwargs):
        """As `keras.Model.compile`; `"adam"`, `"adamax"` and `"sgd"` are those of `keras_iresnet.optimizers`.

        They take Keras's steps in fewer operations, and clip by the norm of all replicas together.
        """
        super().compile(by_name(optimizer), loss, metrics=metrics, **kwargs)

    def _build_for_training(self, y, y_pred):
        """Make all that training needs, for targets and outputs like these examples.

        Otherwise `fit` makes the optimizer's variables, for which TensorFlow traces the step a second time, and those
        of losses and metrics in its first step, after a state that was saved has been put back.
        """
        with self.distribute_strategy.scope():
            self.optimizer.build(self.trainable_variables)
            for part in (self._compile_loss, self._compile_metrics):
                if part is not None and not part.built:
                    part.build(y, y_pred)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing is left to build."""

    def train_step(self, data):
        """As `keras.Model.train_step`."""
        return self._with_axis(super().train_step(data))

    def test_step(self, data):
        """As `keras.Model.test_step`."""
        return self._with_axis(super().test_step(data))

    def _with_axis(self, logs):
        if not isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return logs
        return {name: tf.reshape(value, (1,)) for name, value in logs.items()}
