"""The continuous flow FFJORD."""

import math
from collections.abc import Sequence

from keras_iresnet.baselines.flow_parts import Bounds, counts_of, flow_of, in_scales, seeded, squeezed
from keras_iresnet.baselines.neural_ode import NeuralODE
from keras_iresnet.layers import ActNorm
from keras_iresnet.models import Flow

EXACT_FEATURES = 6  # up to which the trace is taken exactly: it takes as many derivatives of f


def ffjord(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int | tuple[int, ...] = (2, 2, 2),
    units: tuple[int, ...] = (64, 64, 64),
    positive: tuple[int, ...] = (),
    bounds: Bounds = (),
    seed: int | None = None,
) -> Flow:
    """FFJORD: differential equations with ActNorm before each, solved to a tolerance; of images in several scales.

    The trace in the log-determinant is exact up to 6 dimensions, and an unbiased estimate beyond, where `log_prob`
    depends on its seed. The defaults are the paper's for images (Grathwohl et al., ICLR 2019, appendix B.1).

    Args:
        event_shape: (features,) of points and rows, or (height, width, channels) of images.
        bins: values of a pixel, of images.
        blocks: differential equations, of images one number for each scale.
        units: of the hidden layers of each equation's network, 3x3 convolutions of images.
        positive: indices of columns that are above 0, whose logarithm the flow sees.
        bounds: (index, lower, upper) of columns that lie between two numbers, whose logit between them it sees.
        seed: of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.ffjord((2,), blocks=1, units=(16,)).sample(3).shape
    TensorShape([3, 2])
    """
    seeded(seed)
    counts = counts_of(blocks)
    trace = "exact" if math.prod(event_shape) <= EXACT_FEATURES else "hutchinson"
    activation = "tanh" if bins is None else "softplus"

    def scale(count, shape, last):
        steps = [(ActNorm(), NeuralODE(units, trace=trace, activation=activation)) for _ in range(count)]
        return [*squeezed(shape), *(layer for step in steps for layer in step)]

    steps = in_scales(event_shape, counts, scale)
    return flow_of(event_shape, steps, bins=bins, positive=positive, bounds=bounds, seed=seed)
