"""The flow that benchmarks train, with its log-det series in either of two forms."""

import dataclasses
import functools

import keras

from keras_iresnet import layers
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import BackpropSeriesLogDet, SeriesLogDet

_ESTIMATORS = {"dual": SeriesLogDet, "taped": BackpropSeriesLogDet}
FORMS = tuple(_ESTIMATORS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """A multi-scale flow over colour images, and the batch of its training step.

    Args:
        blocks: residual blocks of each scale; each scale starts with a squeeze.
        channels: hidden channels of each branch, kernels 3x3, 1x1, 3x3.
        size: height and width of the images.
        batch_size: images in a step.
        num_terms: terms of the series.
        num_probes: its probes.
    """

    blocks: tuple[int, ...] = (4, 4, 4)
    channels: int = 128
    size: int = 32
    batch_size: int = 32
    num_terms: int = 5
    num_probes: int = 1


def build_flow(form: str, workload: Workload, seed: int = 0) -> Flow:
    """The flow of a workload; both forms start from the same weights.

    Args:
        form: `"dual"`: `SeriesLogDet` over branches with explicit derivatives; `"taped"`: the same series
            differentiated through every term, over the same branches as opaque layers that `tf.GradientTape`
            differentiates.
        workload: its sizes.
        seed: of the weights and the noise.
    """
    if form not in FORMS:
        raise ValueError(f"`form` must be one of {', '.join(FORMS)}. Received: form={form!r}")
    keras.utils.set_random_seed(seed)
    estimator = _ESTIMATORS[form](workload.num_terms, workload.num_probes)
    make_block = functools.partial(_block, form, workload.channels, estimator)
    chain = _multi_scale(workload.blocks, make_block)
    return Flow(chain, (workload.size, workload.size, 3), bins=256, seed=seed)


def _multi_scale(blocks, make_block):
    scale = [layers.Squeeze()]
    for _ in range(blocks[0]):
        scale += [layers.ActNorm(), make_block()]
    if blocks[1:]:
        return layers.Chain([*scale, layers.FactorOut(_multi_scale(blocks[1:], make_block))])
    return layers.Chain([*scale, layers.ActNorm()])


def _block(form, channels, estimator):
    branch = layers.ConvBranch(channels)
    return layers.InvertibleResidualBlock(_Opaque(branch) if form == "taped" else branch, estimator=estimator)


class _Opaque(keras.layers.Layer):
    """A branch that keeps its derivatives to itself, as any layer of a user does."""

    def __init__(self, branch):
        super().__init__(autocast=False)
        self.branch = branch

    def build(self, input_shape):
        self.branch.build(input_shape)

    def call(self, x, training=None):
        return self.branch(x, training=training)

    def compute_output_shape(self, input_shape):
        return self.branch.compute_output_shape(input_shape)
