"""Clipping of gradients that means the same on any number of replicas."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import OptimizerHooks
from keras_iresnet.optimizers.averaging import AveragedTogether


class ClippedTogether(OptimizerHooks):
    """Mixin: `global_clipnorm` is that of the global batch's gradient; Keras clips what each replica has of it."""

    def clip(self, gradients: Sequence[tf.Tensor], *, summed: bool) -> Sequence[tf.Tensor]:
        """Clip what the replicas have added up, and nothing before."""
        return self.clip_as_keras(gradients) if summed else gradients


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ClippedSGD(AveragedTogether, ClippedTogether, keras.optimizers.SGD):
    """`keras.optimizers.SGD`, clipped by the norm of all replicas' gradient, its averages in fewer operations."""
