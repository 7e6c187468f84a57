"""Builders of other flows: each is a `Flow`, with the same methods, `fit`, files and bijector as our own."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_iresnet.baselines.autoregressive import Autoregressive
from keras_iresnet.baselines.coupling import Coupling
from keras_iresnet.baselines.mixing import Mixing, Reverse
from keras_iresnet.layers import ActNorm, Chain, FactorOut, InvertibleLayer, Logit, Squeeze
from keras_iresnet.models import Flow
from keras_iresnet.priors import DiagonalNormal

_Step = Callable[[int], list[InvertibleLayer]]  # what the i-th step is made of


def nice(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int | Sequence[int] = 4,
    units: Sequence[int] = (64, 64),
    seed: int | None = None,
) -> Flow:
    """NICE: additive couplings in turn, and one scale for each dimension or channel at the end (ActNorm).

    Args:
        event_shape: (D,) of points and rows, or (height, width, channels) of images.
        bins: values of a pixel, of images.
        blocks: couplings; of images one number for each scale, each of which starts with a squeeze.
        units: of the hidden layers of each network.
        seed: of weights and noise.

    Reference: Dinh et al., arXiv:1410.8516.

    Example:
    >>> import keras_iresnet as ki
    >>> flow = ki.baselines.nice((2,), blocks=2, units=(8,), seed=1)
    >>> flow.sample(3, seed=1).shape
    TensorShape([3, 2])
    """
    return _flow(event_shape, bins, blocks, seed, lambda i: [Coupling(units, affine=False, swap=i % 2 > 0)])


def real_nvp(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int | Sequence[int] = 4,
    units: Sequence[int] = (64, 64),
    seed: int | None = None,
) -> Flow:
    """Real NVP: affine couplings with ActNorm before each, halves in turn.

    Args:
        event_shape: as for `nice`; so are the others.
        bins: values of a pixel, of images.
        blocks: couplings, of each scale.
        units: of the hidden layers of each network.
        seed: of weights and noise.

    Reference: Dinh et al., ICLR 2017; ActNorm in the place of its batch normalisation.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.real_nvp((8, 8, 1), bins=17, blocks=(2, 2), units=(8, 8)).dimension
    64
    """
    return _flow(event_shape, bins, blocks, seed, lambda i: [ActNorm(), Coupling(units, swap=i % 2 > 0)])


def glow(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int | Sequence[int] = 4,
    units: Sequence[int] = (64, 64),
    affine: bool = True,
    mixing: str = "lu",
    seed: int | None = None,
) -> Flow:
    """Glow: ActNorm, a mixing of all channels and a coupling, in turn.

    Args:
        event_shape: as for `nice`; so are the others.
        bins: values of a pixel, of images.
        blocks: couplings, of each scale.
        units: of the hidden layers of each network.
        affine: whether couplings scale.
        mixing: `"lu"`, an invertible 1x1 convolution that is trained; or `"reverse"`, channels in reversed order.
        seed: of weights and noise.

    Reference: Kingma & Dhariwal, NeurIPS 2018.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.glow((3,), blocks=2, units=(8,), seed=1).forward([[0.1, 0.2, 0.3]]).shape
    TensorShape([1, 3])
    """
    if mixing not in ("lu", "reverse"):
        raise ValueError(f"`mixing` must be 'lu' or 'reverse'. Received: mixing={mixing!r}")

    def step(i):
        mixed = Mixing(seed=None if seed is None else seed + i) if mixing == "lu" else Reverse()
        return [ActNorm(), mixed, Coupling(units, affine=affine)]

    return _flow(event_shape, bins, blocks, seed, step)


def made(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    units: Sequence[int] = (64, 64),
    seed: int | None = None,
) -> Flow:
    """MADE with Gaussian conditionals: a masked autoregressive flow of one layer.

    Args:
        event_shape: as for `nice`; so are the others.
        bins: values of a pixel, of images.
        units: of the hidden layers of the network.
        seed: of weights and noise.

    Reference: Germain et al., ICML 2015, as in Papamakarios et al., NeurIPS 2017, section 4.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.made((4,), units=(8,)).inverse_and_report([[0.0] * 4])[1].steps.numpy().tolist()
    [4]
    """
    return _flow(event_shape, bins, 1, seed, lambda i: [Autoregressive(units)], scales=False)


def maf(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int = 5,
    units: Sequence[int] = (64, 64),
    seed: int | None = None,
) -> Flow:
    """MAF: masked autoregressive layers with ActNorm before each, whose order is reversed in turn.

    Args:
        event_shape: as for `nice`; so are the others.
        bins: values of a pixel, of images.
        blocks: autoregressive layers.
        units: of the hidden layers of each network.
        seed: of weights and noise.

    Reference: Papamakarios et al., NeurIPS 2017; ActNorm in the place of its batch normalisation.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.maf((6,), blocks=2, units=(8,)).log_prob([[0.1] * 6]).shape
    TensorShape([1])
    """
    return _flow(
        event_shape, bins, blocks, seed, lambda i: [ActNorm(), Autoregressive(units, reverse=i % 2 > 0)], scales=False
    )


def _flow(event_shape, bins, blocks, seed, step, scales=True):
    """A flow of steps over points, or over images behind a logit, in scales where these squeeze."""
    if seed is not None:
        keras.utils.set_random_seed(seed)
    images = len(event_shape) == 3
    if images != (bins is not None):
        raise ValueError(f"Images have `bins`, points none. Received: event_shape={tuple(event_shape)}, bins={bins}")
    if images and scales:
        chain = Chain([Logit(), _scales((blocks,) if isinstance(blocks, int) else tuple(blocks), step)])
    else:
        if not isinstance(blocks, int):
            raise ValueError(f"`blocks` must be one number here. Received: blocks={blocks!r}")
        chain = Chain([*([Logit()] if images else []), *_steps(blocks, step), ActNorm()])
    return Flow(chain, tuple(event_shape), prior=DiagonalNormal(), bins=bins, seed=seed)


def _steps(count, step):
    return [layer for i in range(count) for layer in step(i)]


def _scales(blocks, step):
    """Squeeze, steps, and half of the channels to the latents, but for the last scale."""
    inner: list[Any] = [Squeeze(), *_steps(blocks[0], step)]
    return Chain([*inner, FactorOut(_scales(blocks[1:], step))] if blocks[1:] else [*inner, ActNorm()])
