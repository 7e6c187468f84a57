"""The autoregressive flows MADE and MAF, over vectors; images are taken pixel by pixel."""

from collections.abc import Sequence

from keras_iresnet.baselines.autoregressive import Autoregressive
from keras_iresnet.baselines.flow_parts import Bounds, counts_of, flow_of, seeded
from keras_iresnet.layers import ActNorm
from keras_iresnet.models import Flow


def made(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    units: tuple[int, ...] = (1024, 1024),
    positive: tuple[int, ...] = (),
    bounds: Bounds = (),
    seed: int | None = None,
) -> Flow:
    """MADE with Gaussian conditionals: a masked autoregressive flow of one layer.

    The defaults are those that MAF's authors give it for MNIST (Papamakarios et al., NeurIPS 2017, section 4; MADE is
    by Germain et al., ICML 2015).

    Args:
        event_shape: (features,) of points and rows, or (height, width, channels) of images.
        bins: values of a pixel, of images.
        units: of the hidden layers of the network.
        positive: indices of columns that are above 0, whose logarithm the flow sees.
        bounds: (index, lower, upper) of columns that lie between two numbers, whose logit between them it sees.
        seed: of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.made((4,), units=(8,)).inverse_and_report([[0.0] * 4])[1].steps.numpy().tolist()
    [4]
    """
    seeded(seed)
    return flow_of(event_shape, [Autoregressive(units)], bins=bins, positive=positive, bounds=bounds, seed=seed)


def maf(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int | tuple[int, ...] = 10,
    units: tuple[int, ...] = (1024, 1024),
    positive: tuple[int, ...] = (),
    bounds: Bounds = (),
    seed: int | None = None,
) -> Flow:
    """MAF: masked autoregressive layers with ActNorm before each, whose order is reversed in turn.

    The defaults are the paper's for MNIST (Papamakarios et al., NeurIPS 2017); ActNorm in the place of its batch
    normalisation.

    Args:
        event_shape: (features,) of points and rows, or (height, width, channels) of images.
        bins: values of a pixel, of images.
        blocks: autoregressive layers; several numbers add up.
        units: of the hidden layers of each network.
        positive: indices of columns that are above 0, whose logarithm the flow sees.
        bounds: (index, lower, upper) of columns that lie between two numbers, whose logit between them it sees.
        seed: of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.maf((6,), blocks=2, units=(8,)).log_prob([[0.1] * 6]).shape
    TensorShape([1])
    """
    seeded(seed)
    steps = [(ActNorm(), Autoregressive(units, reverse=i % 2 > 0)) for i in range(sum(counts_of(blocks)))]
    layers = [layer for step in steps for layer in step]
    return flow_of(event_shape, layers, bins=bins, positive=positive, bounds=bounds, seed=seed)
