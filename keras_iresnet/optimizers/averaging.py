"""Running averages of the weights in fewer operations."""

from collections.abc import Iterable

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import OptimizerHooks


class AveragedTogether(OptimizerHooks):
    """Mixin: the momentum of `use_ema` is formed once a step; Keras forms it anew for each weight."""

    def update_averages(self, pairs: Iterable[tuple[keras.Variable, keras.Variable | None]]) -> None:
        """Move each average towards its weight; the first step puts it there."""
        started = tf.not_equal(tf.convert_to_tensor(self.iterations), 0)
        shared = {}
        for weight, average in pairs:
            if average is None:
                continue
            if weight.dtype not in shared:
                momentum = tf.cast(started, weight.dtype) * self.ema_momentum
                shared[weight.dtype] = momentum, 1 - momentum
            kept, taken = shared[weight.dtype]
            average.assign(kept * tf.convert_to_tensor(average) + taken * tf.convert_to_tensor(weight))
