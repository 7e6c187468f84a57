"""Running averages of the weights in fewer operations."""

import tensorflow as tf


class AveragedTogether:
    """Mixin: the momentum of `use_ema` is formed once a step; Keras forms it anew for each weight."""

    def _update_model_variables_moving_average(self, trainable_variables):
        if not self.use_ema:
            return
        started = tf.not_equal(tf.convert_to_tensor(self.iterations), 0)
        shared = {}
        for weight, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            if average is None:
                continue
            if weight.dtype not in shared:
                momentum = tf.cast(started, weight.dtype) * self.ema_momentum
                shared[weight.dtype] = momentum, 1 - momentum
            kept, taken = shared[weight.dtype]
            average.assign(kept * tf.convert_to_tensor(average) + taken * tf.convert_to_tensor(weight))
