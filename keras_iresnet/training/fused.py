"""Adam and Adamax with one TensorFlow operation a weight in place of some thirty.

An invertible network has many small weights: Keras's own update, written for every backend, was a third of the
operations of a training step, to be traced and dispatched each. TensorFlow has the same arithmetic as single kernels.
"""

import keras
import tensorflow as tf


class _Fused:
    """What the two share: the constants of a step, and a state's resource."""

    def _constants(self, dtype):
        return {
            "beta1": tf.constant(self.beta_1, dtype),
            "beta2": tf.constant(self.beta_2, dtype),
            "epsilon": tf.constant(self.epsilon, dtype),
        }

    def _power(self, beta, dtype):
        return tf.pow(tf.constant(beta, dtype), tf.cast(tf.convert_to_tensor(self.iterations) + 1, dtype))


@keras.saving.register_keras_serializable(package="keras_iresnet")
class FusedAdam(_Fused, keras.optimizers.Adam):
    """`keras.optimizers.Adam`, the same numbers in fewer operations; without `amsgrad`."""

    def update_step(self, gradient, variable, learning_rate):
        """Update one weight."""
        index, dtype = self._get_variable_index(variable), variable.dtype
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            beta1_power=self._power(self.beta_1, dtype),
            beta2_power=self._power(self.beta_2, dtype),
            lr=tf.cast(learning_rate, dtype),
            grad=tf.cast(gradient, dtype),
            **self._constants(dtype),
        )


@keras.saving.register_keras_serializable(package="keras_iresnet")
class FusedAdamax(_Fused, keras.optimizers.Adamax):
    """`keras.optimizers.Adamax`, the same numbers in fewer operations."""

    def update_step(self, gradient, variable, learning_rate):
        """Update one weight."""
        index, dtype = self._get_variable_index(variable), variable.dtype
        tf.raw_ops.ResourceApplyAdaMax(
            var=_handle(variable),
            m=_handle(self._m[index]),
            v=_handle(self._u[index]),
            beta1_power=self._power(self.beta_1, dtype),
            lr=tf.cast(learning_rate, dtype),
            grad=tf.cast(gradient, dtype),
            **self._constants(dtype),
        )


def _handle(variable):
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
