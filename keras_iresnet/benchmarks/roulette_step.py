"""What an unbiased log-determinant costs a training step: the roulette's steps, whose length is random, on average."""

import statistics

from keras_iresnet.benchmarks.training_step import Comparison, compare
from keras_iresnet.zoo.flows.image_flow import image_flow


def compare_roulette(
    *,
    lips: tuple[float, ...] = (0.73, 0.95),
    num_terms: int = 5,
    blocks: tuple[int, ...] = (8, 8),
    channels: int = 64,
    size: int = 16,
    batch_size: int = 32,
    steps: int = 200,
) -> dict[float, Comparison]:
    """Time steps of flows that differ in their estimator alone, in turn, for several Lipschitz bounds of a branch.

    Args:
        lips: L of the branches, whose three layers are held at the cube root of it each.
        num_terms: of the series that the roulette is compared with.
        blocks: residual blocks of each scale.
        channels: hidden channels.
        size: height and width of the images.
        batch_size: images in a step.
        steps: how many of each; their lengths are random.

    Returns:
        L -> `Comparison` of `"series"` and `"roulette"`.
    """

    def flow(log_det, lip):
        sizes = {"blocks": blocks, "channels": channels, "coeff": lip ** (1 / 3)}
        return image_flow((size, size, 3), log_det=log_det, num_terms=num_terms, seed=0, **sizes)

    return {
        lip: compare({log_det: flow(log_det, lip) for log_det in ("series", "roulette")}, batch_size, pairs=steps)
        for lip in lips
    }


def mean_ratio(comparison: Comparison) -> float:
    """How many times as long as the series' steps the roulette's took, on average over all of them.

    Example:
    >>> from keras_iresnet.benchmarks.roulette_step import mean_ratio
    >>> from keras_iresnet.benchmarks.training_step import Comparison
    >>> mean_ratio(Comparison({"series": (1.0, 1.0), "roulette": (0.5, 2.0)}))
    1.25
    """
    return statistics.fmean(comparison.seconds["roulette"]) / statistics.fmean(comparison.seconds["series"])
