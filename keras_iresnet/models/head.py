"""What reads classes off features."""

from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.models.batch_norm import batch_norm


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ClassHead(FullPrecision, keras.layers.Layer):
    """Batch normalisation, ReLU, mean over the grid and a dense layer: Behrmann et al., ICML 2019, section 5.1.

    It costs next to nothing, and stays in full precision under a mixed policy, as do the features that it reads.

    Args:
        num_classes: how many classes, at least 2.

    Call arguments:
        features: (batch, ..., channels).
        training: whether the averages of batch normalisation advance.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.models.head import ClassHead
    >>> ClassHead(10)(tf.ones((2, 4, 4, 16))).shape
    TensorShape([2, 10])
    """

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(num_classes, int) or num_classes < 2:
            raise ValueError(f"`num_classes` must be an integer of at least 2. Received: num_classes={num_classes!r}")
        self.num_classes = num_classes
        self.norm = batch_norm(dtype=self.stream_dtype, name="norm")
        self.dense = keras.layers.Dense(num_classes, dtype=self.stream_dtype, name="dense")

    def build(self, input_shape: Shape) -> None:
        """Create the weights for (batch, ..., channels)."""
        self.norm.build(tuple(input_shape))
        self.dense.build((None, input_shape[-1]))

    def call(self, features: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Features (batch, ..., channels) -> logits (batch, num_classes)."""
        active = tf.nn.relu(self.norm(features, training=training))
        return self.dense(tf.reduce_mean(active, list(range(1, active.shape.rank - 1))))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, num_classes)."""
        return (input_shape[0], self.num_classes)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), "num_classes": self.num_classes}
