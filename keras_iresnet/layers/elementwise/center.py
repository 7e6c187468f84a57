"""Subtracts a constant, so that pixels lie around 0."""

import keras

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

    def _forward(self, x, carried):
        return x - self.offset, 0.0

    def _inverse(self, y, carried):
        return y + self.offset, None

    def get_config(self):
        """JSON only."""
        return {**super().get_config(), "offset": self.offset}
