"""The flows of `baselines` for data of any shape, trained as our own: what `compare` puts beside them."""

from collections.abc import Callable, Sequence
from typing import Any

from keras_iresnet import baselines
from keras_iresnet.layers import ActNorm, Chain
from keras_iresnet.models import Flow
from keras_iresnet.zoo.flows.tabular_flow import RECIPE
from keras_iresnet.zoo.registry import register

__all__ = ["rival_flow"]

_BUILDERS: dict[str, Callable[..., Flow]] = {
    "nice": baselines.nice,
    "real_nvp": baselines.real_nvp,
    "glow": baselines.glow,
    "made": baselines.made,
    "maf": baselines.maf,
}
RIVALS = tuple(_BUILDERS)
_OF_ONE_STEP = ("made",)


@register(RECIPE, from_data=("event_shape", "bins"))
def rival_flow(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    rival: str = "glow",
    blocks: tuple[int, ...] = (8,),
    units: tuple[int, ...] = (64, 64),
    seed: int | None = None,
) -> Flow:
    """Another kind of flow, over points, rows or images, by the recipe of `tabular_flow` unless told otherwise.

    Points and rows are standardised first, by an ActNorm, as our own flows do.

    Args:
        event_shape: (D,) of points and rows, or (height, width, channels) of images.
        bins: values of a pixel, of images.
        rival: `"nice"`, `"real_nvp"`, `"glow"`, `"made"` or `"maf"`, see `keras_iresnet.baselines`.
        blocks: couplings or autoregressive layers; of images one number for each scale, but of `"maf"`, which has
            none. `"made"` has one layer in any case.
        units: hidden units of each network, one per hidden layer.
        seed: seed of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.rival_flow((3,), rival="maf", blocks=(2,), units=(8,)).sample(4).shape
    TensorShape([4, 3])
    """
    if rival not in RIVALS:
        raise ValueError(f"`rival` must be one of {', '.join(RIVALS)}. Received: rival={rival!r}")
    options: dict[str, Any] = {"bins": bins, "units": units, "seed": seed}
    if rival not in _OF_ONE_STEP:
        options["blocks"] = blocks[0] if len(blocks) == 1 else blocks
    flow = _BUILDERS[rival](tuple(event_shape), **options)
    if bins is not None:
        return flow
    chain = Chain([ActNorm(name="standardize"), flow.layer])
    return Flow(chain, tuple(event_shape), prior=flow.prior, seed=seed)
