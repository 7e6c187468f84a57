"""Subtracts a constant, so that pixels lie around 0."""

import keras
import tensorflow as tf

from keras_iresnet.layers.invertible import InvertibleLayer


@keras.saving.register_keras_serializable(package="keras_iresnet")
class Center(InvertibleLayer):
    """y = x - offset, log-det 0: what Behrmann et al. put before the first block (their code, with offset 1/2).

    Args:
        offset: what is subtracted.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> ki.layers.Center(0.5)(tf.constant([[0.0, 1.0]])).numpy().tolist()
    [[-0.5, 0.5]]
    """

    def __init__(self, offset=0.5, **kwargs):
        super().__init__(**kwargs)
        self.offset = offset

    def _forward_and_log_det(self, x, **_):
        return x - self.offset, tf.zeros((), x.dtype)

    def _inverse(self, y):
        return y + self.offset

    def get_config(self):
        """JSON only."""
        return {**super().get_config(), "offset": self.offset}
