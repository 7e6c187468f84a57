"""Ready models: `keras_iresnet.zoo.flows.digits_flow()` builds one, `list()` names them all.

Each file holds a builder, whose keywords are the model's sizes, and beside it the recipe that trains it.
"""

import builtins
import dataclasses
from collections.abc import Callable

from keras_iresnet.zoo.classifiers import cifar_classifier as _cifar_classes
from keras_iresnet.zoo.classifiers import digits_classifier as _digits_classes
from keras_iresnet.zoo.classifiers import hybrid_classifier as _hybrid
from keras_iresnet.zoo.classifiers import mnist_classifier as _mnist_classes
from keras_iresnet.zoo.classifiers import resnet164_classifier as _resnet164
from keras_iresnet.zoo.classifiers import svhn_classifier as _svhn_classes
from keras_iresnet.zoo.classifiers.cifar_classifier import (
    cifar10_classifier,
    cifar10_classifier_small,
    cifar100_classifier,
    cifar100_classifier_small,
)
from keras_iresnet.zoo.classifiers.digits_classifier import digits_classifier
from keras_iresnet.zoo.classifiers.hybrid_classifier import hybrid_classifier
from keras_iresnet.zoo.classifiers.image_classifier import image_classifier
from keras_iresnet.zoo.classifiers.mnist_classifier import mnist_classifier, mnist_classifier_small
from keras_iresnet.zoo.classifiers.resnet164_classifier import resnet164_classifier
from keras_iresnet.zoo.classifiers.svhn_classifier import svhn_classifier, svhn_classifier_small
from keras_iresnet.zoo.flows import cifar_flow as _cifar
from keras_iresnet.zoo.flows import digits_flow as _digits
from keras_iresnet.zoo.flows import fashion_mnist_flow as _fashion_mnist
from keras_iresnet.zoo.flows import mnist_flow as _mnist
from keras_iresnet.zoo.flows import svhn_flow as _svhn
from keras_iresnet.zoo.flows import toy_flow as _toy
from keras_iresnet.zoo.flows.cifar_flow import cifar_flow, cifar_flow_small
from keras_iresnet.zoo.flows.digits_flow import digits_flow
from keras_iresnet.zoo.flows.fashion_mnist_flow import fashion_mnist_flow, fashion_mnist_flow_small
from keras_iresnet.zoo.flows.image_flow import image_flow
from keras_iresnet.zoo.flows.mnist_flow import mnist_flow, mnist_flow_small
from keras_iresnet.zoo.flows.svhn_flow import svhn_flow, svhn_flow_small
from keras_iresnet.zoo.flows.toy_flow import toy_flow
from keras_iresnet.zoo.recipe import Recipe

__all__ = [
    "Entry",
    "Recipe",
    "cifar10_classifier",
    "cifar10_classifier_small",
    "cifar100_classifier",
    "cifar100_classifier_small",
    "cifar_flow",
    "cifar_flow_small",
    "digits_classifier",
    "digits_flow",
    "fashion_mnist_flow",
    "fashion_mnist_flow_small",
    "get",
    "hybrid_classifier",
    "image_classifier",
    "image_flow",
    "list",
    "mnist_classifier",
    "mnist_classifier_small",
    "mnist_flow",
    "mnist_flow_small",
    "resnet164_classifier",
    "svhn_classifier",
    "svhn_classifier_small",
    "svhn_flow",
    "svhn_flow_small",
    "toy_flow",
]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model of the zoo: the function that builds it, the recipe that trains it, and what it is trained for.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.get("toy_flow").recipe.optimizer
    'adam'
    >>> ki.zoo.get("digits_classifier").task
    'classification'
    """

    builder: Callable
    recipe: Recipe
    task: str = "density"


_ENTRIES = {
    "cifar100_classifier": Entry(cifar100_classifier, _cifar_classes.CIFAR100_RECIPE, "classification"),
    "cifar100_classifier_small": Entry(
        cifar100_classifier_small, _cifar_classes.SMALL_CIFAR100_RECIPE, "classification"
    ),
    "cifar10_classifier": Entry(cifar10_classifier, _cifar_classes.RECIPE, "classification"),
    "cifar10_classifier_small": Entry(cifar10_classifier_small, _cifar_classes.SMALL_RECIPE, "classification"),
    "cifar_flow": Entry(cifar_flow, _cifar.RECIPE),
    "cifar_flow_small": Entry(cifar_flow_small, _cifar.SMALL_RECIPE),
    "digits_classifier": Entry(digits_classifier, _digits_classes.RECIPE, "classification"),
    "digits_flow": Entry(digits_flow, _digits.RECIPE),
    "fashion_mnist_flow": Entry(fashion_mnist_flow, _fashion_mnist.RECIPE),
    "fashion_mnist_flow_small": Entry(fashion_mnist_flow_small, _fashion_mnist.SMALL_RECIPE),
    "hybrid_classifier": Entry(hybrid_classifier, _hybrid.RECIPE, "hybrid"),
    "mnist_classifier": Entry(mnist_classifier, _mnist_classes.RECIPE, "classification"),
    "mnist_classifier_small": Entry(mnist_classifier_small, _mnist_classes.SMALL_RECIPE, "classification"),
    "mnist_flow": Entry(mnist_flow, _mnist.RECIPE),
    "mnist_flow_small": Entry(mnist_flow_small, _mnist.SMALL_RECIPE),
    "resnet164_classifier": Entry(resnet164_classifier, _resnet164.RECIPE, "classification"),
    "svhn_classifier": Entry(svhn_classifier, _svhn_classes.RECIPE, "classification"),
    "svhn_classifier_small": Entry(svhn_classifier_small, _svhn_classes.SMALL_RECIPE, "classification"),
    "svhn_flow": Entry(svhn_flow, _svhn.RECIPE),
    "svhn_flow_small": Entry(svhn_flow_small, _svhn.SMALL_RECIPE),
    "toy_flow": Entry(toy_flow, _toy.RECIPE),
}


def list() -> builtins.list[str]:
    """Names of the models, sorted.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.list()[:3]
    ['cifar100_classifier', 'cifar100_classifier_small', 'cifar10_classifier']
    """
    return sorted(_ENTRIES)


def get(name: str) -> Entry:
    """The builder and recipe of the model called `name`.

    Raises:
        ValueError: no model has that name; the message lists those there are.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.get("digits_flow").recipe.dataset
    'digits'
    """
    if name not in _ENTRIES:
        raise ValueError(f"`name` must be one of {', '.join(list())}. Received: name={name!r}")
    return _ENTRIES[name]
