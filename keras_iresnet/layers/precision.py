"""Which floating-point type carries what must not be rounded, whatever the precision policy."""

from typing import TYPE_CHECKING, Any

import keras


def stream_dtype(variable_dtype: str) -> str:
    """The dtype of the residual stream, sigma and log-dets: float64 for float64 variables, else float32."""
    return "float64" if variable_dtype == "float64" else "float32"


def check_full_precision(what: str, policy: keras.DTypePolicy) -> None:
    """Refuse a mixed policy for Keras's own layers, which would compute in its lower precision in evaluation too."""
    if policy.compute_dtype != policy.variable_dtype:
        raise ValueError(
            f"{what} must have one dtype for all: a mixed policy would round its evaluation. Received: {policy.name}"
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
