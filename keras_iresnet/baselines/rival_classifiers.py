"""Classifiers on others' invertible layers: Glow's, i-RevNet's, neural differential equations."""

from collections.abc import Callable, Sequence

from keras_iresnet.baselines.coupling import Coupling
from keras_iresnet.baselines.coupling_flows import mixings
from keras_iresnet.baselines.flow_parts import Shape, counts_of, seeded, squeezed
from keras_iresnet.baselines.neural_ode import NeuralODE
from keras_iresnet.layers import ActNorm, Chain, InjectivePad, InvertibleLayer
from keras_iresnet.models import Classifier


def glow_classifier(
    event_shape: Sequence[int],
    num_classes: int,
    *,
    bins: int = 256,
    blocks: int | tuple[int, ...] = (32, 32, 32),
    units: tuple[int, ...] = (512, 512),
    affine: bool = True,
    mixing: str = "lu",
    pad_channels: int = 0,
    seed: int | None = None,
) -> Classifier:
    """A classifier on Glow's steps, with the head of our own classifiers: a rival in table 3 of the i-ResNet paper.

    The defaults are Glow's for CIFAR-10 (Kingma & Dhariwal, NeurIPS 2018, table 4); all channels stay to the end.

    Args:
        event_shape: (height, width, channels) of an image.
        num_classes: how many classes.
        bins: values of a pixel.
        blocks: couplings of each scale, which a squeeze begins where the sides are even.
        units: channels of each coupling's network, one for each hidden layer.
        affine: whether couplings scale.
        mixing: `"lu"`, an invertible 1x1 convolution that is trained; or `"reverse"`, channels in reversed order.
        pad_channels: zero channels appended before the first scale; 0 for none.
        seed: of the weights.

    Raises:
        ValueError: a keyword that cannot be.

    Reference: Behrmann et al., ICML 2019, table 3.

    Example:
    >>> import keras_iresnet as ki
    >>> clf = ki.baselines.glow_classifier((8, 8, 1), 10, bins=17, blocks=(1, 1), units=(8, 8))
    >>> clf.feature_shape, clf.has_inverse
    ((2, 2, 16), True)
    """
    seeded(seed)
    counts = counts_of(blocks)
    mixed = iter(mixings(mixing, sum(counts), seed))

    def step(i, shape):
        return [ActNorm(), next(mixed), Coupling(units, affine=affine, scale="sigmoid")]

    return Classifier(_backbone(event_shape, counts, pad_channels, step), event_shape, num_classes, bins=bins)


def irevnet_classifier(
    event_shape: Sequence[int],
    num_classes: int,
    *,
    bins: int = 256,
    blocks: int | tuple[int, ...] = (18, 18, 18),
    units: tuple[int, ...] | None = None,
    initial_squeeze: bool = False,
    pad_channels: int = 29,
    seed: int | None = None,
) -> Classifier:
    """i-RevNet: additive couplings of bottleneck networks with batch normalisation; the whole network keeps volumes.

    The defaults are those of the published code for CIFAR-10 (Jacobsen et al., ICLR 2018): 32 channels, padded, which
    two squeezes turn into 128 and 512. The activation in front of each network is left out.

    Args:
        event_shape: (height, width, channels) of an image.
        num_classes: how many classes.
        bins: values of a pixel.
        blocks: couplings of each scale; a squeeze begins each but the first, where the sides are even.
        units: channels of each coupling's network, one for each hidden layer, 3x3 convolutions; `None` for two of a
            quarter of the channels that it changes.
        initial_squeeze: whether a squeeze begins the first scale, too.
        pad_channels: zero channels appended before the first scale; 0 for none.
        seed: of the weights.

    Raises:
        ValueError: a keyword that cannot be.

    Reference: Jacobsen et al., ICLR 2018, equations 1 to 3.

    Example:
    >>> import keras_iresnet as ki
    >>> clf = ki.baselines.irevnet_classifier((8, 8, 1), 10, bins=17, blocks=(2, 2), pad_channels=3)
    >>> clf.feature_shape, clf.has_inverse
    ((4, 4, 16), True)
    """
    seeded(seed)

    def step(i, shape):
        quarter = max(1, (shape[-1] - shape[-1] // 2) // 4)
        hidden = (quarter, quarter) if units is None else units
        return [Coupling(hidden, affine=False, normalized=True, inner_side=3, swap=i % 2 > 0)]

    backbone = _backbone(event_shape, counts_of(blocks), pad_channels, step, initial_squeeze=initial_squeeze)
    return Classifier(backbone, event_shape, num_classes, bins=bins)


def neural_ode_classifier(
    event_shape: Sequence[int],
    num_classes: int,
    *,
    bins: int = 256,
    blocks: int | tuple[int, ...] = (1, 1, 1),
    units: tuple[int, ...] = (64, 64),
    pad_channels: int = 0,
    seed: int | None = None,
) -> Classifier:
    """A classifier on differential equations with ActNorm before each, in the place of residual blocks.

    Args:
        event_shape: (height, width, channels) of an image.
        num_classes: how many classes.
        bins: values of a pixel.
        blocks: equations of each scale, which a squeeze begins where the sides are even.
        units: channels of each equation's network, one for each hidden layer, 3x3 convolutions.
        pad_channels: zero channels appended before the first scale (Dupont et al., NeurIPS 2019); 0 for none.
        seed: of the weights.

    Raises:
        ValueError: a keyword that cannot be.

    Reference: Chen et al., NeurIPS 2018, section 3.

    Example:
    >>> import keras_iresnet as ki
    >>> clf = ki.baselines.neural_ode_classifier((8, 8, 1), 10, bins=17, blocks=(1, 1), units=(4,))
    >>> clf.feature_shape, clf.has_inverse
    ((2, 2, 16), True)
    """
    seeded(seed)

    def step(i, shape):
        return [ActNorm(), NeuralODE(units, activation="softplus")]

    backbone = _backbone(event_shape, counts_of(blocks), pad_channels, step)
    return Classifier(backbone, event_shape, num_classes, bins=bins)


def _backbone(
    event_shape: Sequence[int],
    counts: Sequence[int],
    pad_channels: int,
    step: Callable[[int, Shape], list[InvertibleLayer]],
    *,
    initial_squeeze: bool = True,
) -> Chain:
    """Images standardised, padded, and in each scale squeezed and turned."""
    chain: list[InvertibleLayer] = [ActNorm(trainable=False, name="standardize")]  # by numbers of the data set
    chain += [InjectivePad(pad_channels)] if pad_channels else []
    height, width, channels = event_shape
    shape: Shape = (height, width, channels + pad_channels)
    for index, count in enumerate(counts):
        squeeze = squeezed(shape) if index or initial_squeeze else []
        if squeeze:
            chain, shape = [*chain, *squeeze], (shape[0] // 2, shape[1] // 2, 4 * shape[2])
        for i in range(count):
            chain += step(i, shape)
    return Chain(chain)
