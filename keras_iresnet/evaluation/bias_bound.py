"""What is proved about the bias of an estimator of log-determinants, summed over the blocks of a model."""

import math
from typing import Any

from keras_iresnet.evaluation.certificate import Certificate, branches_of
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.ops.odd_series import odd
from keras_iresnet.ops.roulette import RouletteLogDet
from keras_iresnet.ops.series_to_bias import SeriesToBias


def bias_bound(estimator: LogDetEstimator, model: Any, certificate: Certificate) -> float:
    """Nats of an example that the mean of its log-determinant can be off; infinite where that is not known.

    Args:
        estimator: in the place of every block's own.
        model: what was certified.
        certificate: of the model.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation.bias_bound import bias_bound
    >>> block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((8,)))
    >>> block.build((None, 2))
    >>> bias_bound(ki.RouletteLogDet(), block, ki.certify(block)) <= 1e-6
    True
    """
    if isinstance(estimator, SeriesToBias):
        return len(certificate.blocks) * estimator.nats
    if isinstance(estimator, RouletteLogDet):
        return _of_caps(estimator, model, certificate)
    num_terms = getattr(estimator, "num_terms", None)
    return math.inf if num_terms is None else certificate.series_bias(num_terms)


def _of_caps(roulette, model, certificate):
    """Of the terms beyond the cap, which each block sets by its own dimension and, left open, by its own rate."""
    total = 0.0
    for bound, (_, branch, _, _) in zip(certificate.blocks, branches_of(model), strict=True):
        own: Any = roulette.for_bound(getattr(branch, "lip_target", None))
        if bound.kind == "monotone":
            own = odd(own)
        total += bound.series_bias(own.exact_terms + own.cap(bound.dimension))
    return total
