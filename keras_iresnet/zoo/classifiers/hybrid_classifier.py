"""A density and a classifier of small grey images on one backbone."""

from keras_iresnet.models import Hybrid
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.zoo.flows.image_flow import image_flow
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register

__all__ = ["hybrid_classifier"]

RECIPE = Recipe(
    dataset="digits",
    epochs=40,
    batch_size=64,
    learning_rate=0.01,
    warmup_steps=20,
    decay="cosine",
)

SHAPES = {"digits": ((8, 8, 1), 17), "mnist": ((28, 28, 1), 256), "fashion_mnist": ((28, 28, 1), 256)}
_CLASSES = 10


@register(RECIPE, task="hybrid")
def hybrid_classifier(
    dataset: str = "digits",
    *,
    blocks: tuple[int, ...] = (4, 4),
    channels: int | tuple[int, ...] = 64,
    weight: float = 1.0,
    coeff: float = 0.9,
    activation: str = "elu",
    power_iterations: int = 1,
    log_det: str | LogDetEstimator = "series",
    num_terms: int = 5,
    num_probes: int = 1,
    seed: int | None = None,
) -> Hybrid:
    """A flow over images whose latents are classified too, both trained together.

    Args:
        dataset: whose images it takes, `"digits"`, `"mnist"` or `"fashion_mnist"`.
        blocks: residual blocks of each scale; all channels stay to the end.
        channels: hidden channels of each residual branch: one integer, or one for each scale.
        weight: of the cross-entropy (nats) beside the bits/dim, at least 0.
        coeff: bound of each layer's norm, in (0, 1).
        activation: 1-Lipschitz activation, see `LipschitzActivation`.
        power_iterations: steps of the power iteration in each training step.
        log_det: how training takes log-determinants: `"series"`, cut after `num_terms`; `"roulette"`, without bias;
            `"exact"`, for small images; in Python an estimator, too, as `ki.RouletteLogDet(rate=0.9)`.
        num_terms: terms of the log-det series in training.
        num_probes: random vectors of the trace estimator in training.
        seed: seed of weights and noise.

    Raises:
        ValueError: another data set, or a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> model = ki.zoo.hybrid_classifier(blocks=(1,), channels=8)
    >>> model.event_shape, model.num_classes
    ((8, 8, 1), 10)
    """
    if dataset not in SHAPES:
        raise ValueError(f"`dataset` must be one of {', '.join(SHAPES)}. Received: dataset={dataset!r}")
    event_shape, bins = SHAPES[dataset]
    flow = image_flow(
        event_shape,
        bins=bins,
        blocks=blocks,
        channels=channels,
        multi_scale=False,
        coeff=coeff,
        activation=activation,
        power_iterations=power_iterations,
        log_det=log_det,
        num_terms=num_terms,
        num_probes=num_probes,
        seed=seed,
    )
    return Hybrid(flow.layer, event_shape, _CLASSES, bins=bins, weight=weight, seed=seed)
