"""How what a density p(x | c) is conditioned on travels with the examples."""

from typing import Any

import keras


def check_pairs(x: Any) -> None:
    """Refuse examples that come without conditions."""
    if not isinstance(x, tuple | list) or len(x) < 2:
        raise ValueError(
            "A conditional flow must be given pairs (examples, conditions), as arrays `x` and `y` or as a data set. "
            f"Received: examples alone, {type(x).__name__}"
        )


def with_condition(data: Any, size: int | None) -> Any:
    """A batch (x, c) -> ((x, c), c), as Keras's steps get their data; what is paired already stays."""
    x, condition, weight = keras.utils.unpack_x_y_sample_weight(data)
    if size is None or condition is None:
        return data
    return keras.utils.pack_x_y_sample_weight((x, condition), condition, weight)
