"""Clipping of gradients that means the same on any number of replicas."""

import keras

from keras_iresnet.optimizers.averaging import AveragedTogether


class ClippedTogether:
    """Mixin: `global_clipnorm` is that of the global batch's gradient; Keras clips what each replica has of it."""

    def _clip_gradients(self, grads):
        return grads

    def _all_reduce_sum_gradients(self, grads_and_vars):
        gradients, variables = zip(*super()._all_reduce_sum_gradients(grads_and_vars), strict=True)
        return list(zip(super()._clip_gradients(gradients), variables, strict=True))


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ClippedSGD(AveragedTogether, ClippedTogether, keras.optimizers.SGD):
    """`keras.optimizers.SGD`, clipped by the norm of all replicas' gradient, its averages in fewer operations."""
