"""Log-determinants that layers other than residual blocks take by themselves."""

import dataclasses
from typing import ClassVar

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers import BranchBlock, InvertibleLayer
from keras_iresnet.ops.maps import Map


@dataclasses.dataclass(frozen=True)
class OwnLogDets:
    """Stands for an estimator in a flow without residual blocks: each layer has its log-determinant by its own means.

    `ExactLogDet()` would ask a differential equation for its whole trace, at the cost of D products for each of the
    solver's evaluations.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation.own_log_dets import OwnLogDets
    >>> flow = ki.baselines.ffjord((8,), blocks=1, units=(4,))
    >>> flow.log_prob([[0.1] * 8], estimator=OwnLogDets(), seed=0).shape
    TensorShape([1])
    """

    num_probes: ClassVar[int] = 1  # a layer that estimates draws one random vector

    def __call__(self, g: Map, x: tf.Tensor, seed: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Refused: a residual block has no log-determinant but that of an estimator."""
        raise TypeError("`OwnLogDets()` is for flows without residual blocks. Received: a call by one of them")


def estimates_of_their_own(layer: keras.layers.Layer) -> bool:
    """Whether some layer in this one, other than a residual block, estimates its log-determinant at random.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation.own_log_dets import estimates_of_their_own
    >>> flows = ki.baselines.glow((8,), blocks=1), ki.baselines.ffjord((8,), blocks=1)
    >>> [estimates_of_their_own(flow.layer) for flow in flows]
    [False, True]
    """
    others = [one for one in layers_in(layer) if isinstance(one, InvertibleLayer) and not isinstance(one, BranchBlock)]
    return any(one.estimates_log_det for one in others)
