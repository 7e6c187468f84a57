"""The flows of couplings: NICE, Real NVP, Glow, and the blocks of i-RevNet."""

from collections.abc import Sequence

from keras_iresnet.baselines.coupling import Coupling
from keras_iresnet.baselines.flow_parts import Bounds, counts_of, flow_of, in_scales, seeded, squeezed
from keras_iresnet.baselines.mixing import Mixing, Reverse
from keras_iresnet.layers import ActNorm, Flatten, InvertibleLayer
from keras_iresnet.models import Flow

MIXINGS = ("lu", "reverse")


def nice(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int | tuple[int, ...] = 4,
    units: tuple[int, ...] = (1000, 1000, 1000, 1000, 1000),
    positive: tuple[int, ...] = (),
    bounds: Bounds = (),
    seed: int | None = None,
) -> Flow:
    """NICE: additive couplings of every other feature in turn, and one scale for each feature at the end (ActNorm).

    Images are flattened. The defaults are the paper's for MNIST (Dinh et al., arXiv:1410.8516, section 5.1).

    Args:
        event_shape: (features,) of points and rows, or (height, width, channels) of images.
        bins: values of a pixel, of images.
        blocks: couplings; several numbers add up.
        units: of the hidden layers of each network, which are dense.
        positive: indices of columns that are above 0, whose logarithm the flow sees.
        bounds: (index, lower, upper) of columns that lie between two numbers, whose logit between them it sees.
        seed: of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> flow = ki.baselines.nice((2,), blocks=2, units=(8,), seed=1)
    >>> flow.sample(3, seed=1).shape
    TensorShape([3, 2])
    """
    seeded(seed)
    couplings = [
        Coupling(units, affine=False, mask="checkerboard", swap=i % 2 > 0) for i in range(sum(counts_of(blocks)))
    ]
    steps = [Flatten(), *couplings, ActNorm()] if bins is not None else [*couplings, ActNorm()]
    return flow_of(event_shape, steps, bins=bins, positive=positive, bounds=bounds, seed=seed)


def real_nvp(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int | tuple[int, ...] = (3, 3),
    units: tuple[int, ...] = (64,) * 8,
    positive: tuple[int, ...] = (),
    bounds: Bounds = (),
    seed: int | None = None,
) -> Flow:
    """Real NVP: affine couplings with ActNorm before each, halves in turn.

    In each scale of images there are as many with checkerboards, a squeeze, and as many with halves of the channels; in
    the last one checkerboards alone, one more. The defaults are the paper's for CIFAR-10: 8 residual blocks of 64
    channels in each network (Dinh et al., ICLR 2017, sections 3.6 and 4.1). ActNorm stands where the paper has batch
    normalisation.

    Args:
        event_shape: (features,) of points and rows, or (height, width, channels) of images.
        bins: values of a pixel, of images.
        blocks: couplings with each mask, of images one number for each scale.
        units: of the hidden layers of each network; of images the channels of its residual blocks, all the same.
        positive: indices of columns that are above 0, whose logarithm the flow sees.
        bounds: (index, lower, upper) of columns that lie between two numbers, whose logit between them it sees.
        seed: of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.real_nvp((8, 8, 1), bins=17, blocks=(2, 2), units=(8, 8)).dimension
    64
    """
    seeded(seed)
    images = bins is not None

    def couple(mask, count):
        options = {"mask": mask, "residual": images, "inner_side": 3}
        return _after_norms(Coupling(units, swap=i % 2 > 0, **options) for i in range(count))

    def scale(count, shape, last):
        if not images:
            return couple("halves", count)
        board = couple("checkerboard", count + last) if shape[1] % 2 == 0 else []
        if last:
            return board or couple("halves", count)
        squeeze = squeezed(shape)
        return [*board, *squeeze, *(couple("halves", count) if squeeze or shape[-1] > 1 else [])]

    steps = in_scales(event_shape, counts_of(blocks), scale)
    return flow_of(event_shape, steps, bins=bins, positive=positive, bounds=bounds, seed=seed)


def glow(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int | tuple[int, ...] = (32, 32, 32),
    units: tuple[int, ...] = (512, 512),
    affine: bool = True,
    mixing: str = "lu",
    positive: tuple[int, ...] = (),
    bounds: Bounds = (),
    seed: int | None = None,
) -> Flow:
    """Glow: ActNorm, a mixing of all channels and a coupling, in turn; of images in several scales.

    The defaults are the paper's for CIFAR-10 (Kingma & Dhariwal, NeurIPS 2018, table 4).

    Args:
        event_shape: (features,) of points and rows, or (height, width, channels) of images.
        bins: values of a pixel, of images.
        blocks: couplings, of images one number for each scale.
        units: of the hidden layers of each network.
        affine: whether couplings scale.
        mixing: `"lu"`, an invertible 1x1 convolution that is trained; or `"reverse"`, channels in reversed order.
        positive: indices of columns that are above 0, whose logarithm the flow sees.
        bounds: (index, lower, upper) of columns that lie between two numbers, whose logit between them it sees.
        seed: of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.glow((3,), blocks=2, units=(8,), seed=1).forward([[0.1, 0.2, 0.3]]).shape
    TensorShape([1, 3])
    """
    seeded(seed)
    counts = counts_of(blocks)
    mixed = iter(mixings(mixing, sum(counts), seed))

    def scale(count, shape, last):
        steps = ([ActNorm(), next(mixed), Coupling(units, affine=affine, scale="sigmoid")] for _ in range(count))
        return [*squeezed(shape), *(layer for step in steps for layer in step)]

    steps = in_scales(event_shape, counts, scale)
    return flow_of(event_shape, steps, bins=bins, positive=positive, bounds=bounds, seed=seed)


def irevnet(
    event_shape: Sequence[int],
    *,
    bins: int | None = None,
    blocks: int | tuple[int, ...] = (18, 18, 18),
    units: tuple[int, ...] = (64, 64),
    positive: tuple[int, ...] = (),
    bounds: Bounds = (),
    seed: int | None = None,
) -> Flow:
    """The blocks of i-RevNet as a flow: additive couplings that keep one half and the other in turn.

    i-RevNet itself is a classifier, `irevnet_classifier`, from whose paper the number of blocks is (Jacobsen et al.,
    ICLR 2018). The volume changes in what standardises the columns, the logit of images and the prior alone. There is
    no batch normalisation, whose statistics of a batch would make an example's density depend on others.

    Args:
        event_shape: (features,) of points and rows, or (height, width, channels) of images.
        bins: values of a pixel, of images.
        blocks: couplings, of images one number for each scale.
        units: of the hidden layers of each network, 3x3 convolutions of images.
        positive: indices of columns that are above 0, whose logarithm the flow sees.
        bounds: (index, lower, upper) of columns that lie between two numbers, whose logit between them it sees.
        seed: of weights and noise.

    Raises:
        ValueError: a keyword that cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.baselines.irevnet((8, 8, 1), bins=17, blocks=(2, 2), units=(8, 8)).sample(3).shape
    TensorShape([3, 8, 8, 1])
    """
    seeded(seed)

    def scale(count, shape, last):
        couplings = [Coupling(units, affine=False, swap=i % 2 > 0, inner_side=3) for i in range(count)]
        return [*squeezed(shape), *couplings]

    steps = in_scales(event_shape, counts_of(blocks), scale)
    return flow_of(event_shape, steps, bins=bins, positive=positive, bounds=bounds, seed=seed)


def mixings(mixing: str, count: int, seed: int | None) -> list[InvertibleLayer]:
    """A mixing for each coupling, of which no two are the same rotation.

    Raises:
        ValueError: there is no such mixing.
    """
    if mixing not in MIXINGS:
        raise ValueError(f"`mixing` must be {' or '.join(map(repr, MIXINGS))}. Received: mixing={mixing!r}")
    if mixing == "reverse":
        return [Reverse() for _ in range(count)]
    return [Mixing(seed=None if seed is None else seed + i) for i in range(count)]


def _after_norms(couplings):
    """Each with an ActNorm before it."""
    return [layer for coupling in couplings for layer in (ActNorm(), coupling)]
