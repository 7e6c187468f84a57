"""ResNet-164, the baseline of Behrmann et al.'s table 2: an ordinary network, without an inverse."""

import keras

from keras_iresnet.models import Classifier
from keras_iresnet.models.resnet import BottleneckResNet
from keras_iresnet.zoo.classifiers.cifar_classifier import RECIPE
from keras_iresnet.zoo.registry import register
from keras_iresnet.zoo.scales import checked_blocks, for_each_scale

__all__ = ["resnet164_classifier"]

DATA = {
    "cifar10": ((32, 32, 3), 256, 10),
    "cifar100": ((32, 32, 3), 256, 100),
    "digits": ((8, 8, 1), 17, 10),
    "fashion_mnist": ((28, 28, 1), 256, 10),
    "mnist": ((28, 28, 1), 256, 10),
    "svhn_cropped": ((32, 32, 3), 256, 10),
}


@register(RECIPE, task="classification")
def resnet164_classifier(
    dataset: str = "cifar10",
    *,
    blocks: tuple[int, ...] = (18, 18, 18),
    channels: int | tuple[int, ...] = (16, 32, 64),
    seed: int | None = None,
) -> Classifier:
    """A bottleneck residual network with batch normalisation, of 164 layers; its features cannot be inverted.

    Args:
        dataset: whose images it takes, such as `"cifar10"` or `"mnist"`.
        blocks: residual units of each scale; all scales but the first begin with a stride of 2.
        channels: of the 3x3 convolutions: one integer, or one for each scale.
        seed: seed of the weights.

    Raises:
        ValueError: another data set, a keyword that cannot be, or a mixed precision policy.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.resnet164_classifier(blocks=(1, 1), channels=4).feature_shape
    (16, 16, 16)
    """
    if dataset not in DATA:
        raise ValueError(f"`dataset` must be one of {', '.join(DATA)}. Received: dataset={dataset!r}")
    blocks = checked_blocks(blocks)
    if seed is not None:
        keras.utils.set_random_seed(seed)
    event_shape, bins, classes = DATA[dataset]
    backbone = BottleneckResNet(blocks, for_each_scale("channels", channels, blocks))
    return Classifier(backbone, event_shape, classes, bins=bins)
