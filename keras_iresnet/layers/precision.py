"""Which floating-point type carries what must not be rounded, whatever the precision policy."""

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in


def stream_dtype(variable_dtype: str) -> str:
    """The dtype of the residual stream, sigma and log-dets: float64 for float64 variables, else float32."""
    return "float64" if variable_dtype == "float64" else "float32"


def check_full_precision(what: str, policy: keras.DTypePolicy) -> None:
    """Refuse a mixed policy for Keras's own layers, which would compute in its lower precision in evaluation too."""
    if policy.compute_dtype != policy.variable_dtype:
        raise ValueError(
            f"{what} must have one dtype for all: a mixed policy would round its evaluation. Received: {policy.name}"
        )


def check_branch_precision(branch: keras.layers.Layer, dtype: str) -> None:
    """Refuse a branch of Keras's layers that would round to less than `dtype`: no fixed point converges then."""
    for layer in layers_in(branch):
        # These hand on what they get: whatever their policy is, nothing is rounded.
        if isinstance(layer, (keras.Sequential, keras.layers.InputLayer)) or hasattr(layer, "operations"):
            continue
        own = tf.as_dtype(layer.compute_dtype)
        if own.is_floating and own.size < tf.as_dtype(dtype).size:
            raise ValueError(
                f"`branch` must compute in {dtype}, as the solves of its block do: one without a method `as_map` needs "
                f'dtype="{dtype}" in each of its layers. Received: {branch.name}, whose layer {layer.name} computes in '
                f"{own.name}"
            )


if TYPE_CHECKING:  # a mixin is taken for what it is mixed into
    from keras.layers import Layer as Base
else:
    Base = object


class FullPrecision(Base):
    """Mixin for Keras layers that decide themselves what is rounded: nothing is cast behind their back.

    Under a mixed policy Keras casts the inputs of a layer, and the variables read in its `call`, to the compute
    dtype. Here only branches compute in it, and only in training: rounding the stream would break the inverse.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, autocast=False, **kwargs)

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        """As `keras.layers.Layer.add_weight`, always read as it is stored."""
        return super().add_weight(*args, autocast=False, **kwargs)

    @property
    def stream_dtype(self) -> str:
        """The dtype of the tensors between layers, float32 at least."""
        return stream_dtype(self.variable_dtype)
