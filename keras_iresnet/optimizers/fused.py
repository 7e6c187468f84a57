"""Adam and Adamax with one TensorFlow operation a weight in place of some thirty.

An invertible network has many small weights: Keras's own update, written for every backend, was a third of the
operations of a training step, to be traced and dispatched each. TensorFlow has the same arithmetic as single kernels.
"""

from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.optimizers.averaging import AveragedTogether
from keras_iresnet.optimizers.clipping import ClippedTogether


class _Fused(AveragedTogether, ClippedTogether):
    """What the two share: the numbers that are the same for all weights of a step, formed once."""

    def numbers_of_step(self, learning_rate: tf.Tensor, dtypes: set[tf.DType]) -> dict[str, dict[str, tf.Tensor]]:
        """Name of a dtype -> the numbers of this step in it."""
        return {dtype.name: self._shared(learning_rate, dtype) for dtype in dtypes}

    def _shared(self, learning_rate, dtype):
        beta_1 = tf.constant(self.beta_1, dtype)
        return {
            "lr": tf.cast(learning_rate, dtype),
            "beta1": beta_1,
            "beta1_power": self._power(beta_1),
            "beta2": tf.constant(self.beta_2, dtype),
            "epsilon": tf.constant(self.epsilon, dtype),
        }

    def _power(self, beta):
        """beta^t for the step t, from 1 on."""
        return tf.pow(beta, tf.cast(tf.convert_to_tensor(self.iterations) + 1, beta.dtype))


@keras.saving.register_keras_serializable(package="keras_iresnet")
class FusedAdam(_Fused, keras.optimizers.Adam):
    """`keras.optimizers.Adam`, the same numbers in fewer operations; without `amsgrad`."""

    def _shared(self, learning_rate, dtype):
        shared = super()._shared(learning_rate, dtype)
        return shared | {"beta2_power": self._power(shared["beta2"])}

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one weight; `learning_rate` brings all the numbers of the step."""
        m, v = self.slots(variable, "momentums", "velocities")
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(m),
            v=_handle(v),
            grad=tf.cast(gradient, variable.dtype),
            **learning_rate[variable.dtype.name],
        )


@keras.saving.register_keras_serializable(package="keras_iresnet")
class FusedAdamax(_Fused, keras.optimizers.Adamax):
    """`keras.optimizers.Adamax`, the same numbers in fewer operations."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one weight; `learning_rate` brings all the numbers of the step."""
        m, u = self.slots(variable, "m", "u")
        tf.raw_ops.ResourceApplyAdaMax(
            var=_handle(variable),
            m=_handle(m),
            v=_handle(u),
            grad=tf.cast(gradient, variable.dtype),
            **learning_rate[variable.dtype.name],
        )


def _handle(variable):
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
