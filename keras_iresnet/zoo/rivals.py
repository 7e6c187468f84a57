"""The rivals of `baselines` as models of the zoo: at the sizes of their papers, and `NAME_small` for a laptop.

All take their shape from data of any kind, points, tables or images, and have one recipe, so that they can be compared.
"""

import dataclasses
from typing import Any

from keras_iresnet import baselines
from keras_iresnet.models import Classifier, Flow
from keras_iresnet.zoo.classifiers.image_classifier import RECIPE as IMAGE_CLASSIFIER
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.registry import register
from keras_iresnet.zoo.variants import variant_of

# Early stopping ends it where there are few examples, the clock where there are many.
RECIPE = Recipe(
    epochs=1000,
    minutes=10,
    patience=30,
    batch_size=256,
    optimizer="adam",
    learning_rate=0.002,
    warmup_steps=100,
    decay="cosine",
    clip_norm=10.0,
    ema_momentum=0.99,
)
CLASSIFIER_RECIPE = dataclasses.replace(IMAGE_CLASSIFIER, optimizer="adam", learning_rate=0.002)
OF_FLOWS = ("event_shape", "bins", "positive", "bounds")
OF_CLASSIFIERS = ("event_shape", "num_classes", "bins")
SMALL: dict[str, dict[str, Any]] = {
    "nice": {"blocks": 6, "units": (64, 64)},
    "real_nvp": {"blocks": (3, 3), "units": (32, 32)},
    "glow": {"blocks": (6, 6), "units": (32, 32)},
    "irevnet": {"blocks": (6, 6), "units": (32, 32)},
    "made": {"units": (128, 128)},
    "maf": {"blocks": 5, "units": (64, 64)},
    "ffjord": {"blocks": (1, 1), "units": (32, 32)},
    "glow_classifier": {"blocks": (4, 4), "units": (32, 32), "pad_channels": 4},
    "irevnet_classifier": {"blocks": (6, 6), "units": (32, 32), "initial_squeeze": True, "pad_channels": 3},
    "neural_ode_classifier": {"blocks": (1, 1), "units": (16, 16)},
}

nice = register(RECIPE, from_data=OF_FLOWS)(baselines.nice)
real_nvp = register(RECIPE, from_data=OF_FLOWS)(baselines.real_nvp)
glow = register(RECIPE, from_data=OF_FLOWS)(baselines.glow)
irevnet = register(RECIPE, from_data=OF_FLOWS)(baselines.irevnet)
made = register(RECIPE, from_data=OF_FLOWS)(baselines.made)
maf = register(RECIPE, from_data=OF_FLOWS)(baselines.maf)
ffjord = register(RECIPE, from_data=OF_FLOWS)(baselines.ffjord)
_classifiers = register(CLASSIFIER_RECIPE, task="classification", from_data=OF_CLASSIFIERS)
glow_classifier = _classifiers(baselines.glow_classifier)
irevnet_classifier = _classifiers(baselines.irevnet_classifier)
neural_ode_classifier = _classifiers(baselines.neural_ode_classifier)


@register(RECIPE, from_data=OF_FLOWS)
@variant_of(baselines.nice, (), SMALL["nice"])
def nice_small(**keywords: Any) -> Flow:
    """NICE, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.nice_small(event_shape=(5,)).event_shape
    (5,)
    """
    return baselines.nice(**keywords)


@register(RECIPE, from_data=OF_FLOWS)
@variant_of(baselines.real_nvp, (), SMALL["real_nvp"])
def real_nvp_small(**keywords: Any) -> Flow:
    """Real NVP, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.real_nvp_small(event_shape=(2,)).event_shape
    (2,)
    """
    return baselines.real_nvp(**keywords)


@register(RECIPE, from_data=OF_FLOWS)
@variant_of(baselines.glow, (), SMALL["glow"])
def glow_small(**keywords: Any) -> Flow:
    """Glow, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.glow_small(event_shape=(2,)).event_shape
    (2,)
    """
    return baselines.glow(**keywords)


@register(RECIPE, from_data=OF_FLOWS)
@variant_of(baselines.irevnet, (), SMALL["irevnet"])
def irevnet_small(**keywords: Any) -> Flow:
    """The blocks of i-RevNet as a flow, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.irevnet_small(event_shape=(2,)).event_shape
    (2,)
    """
    return baselines.irevnet(**keywords)


@register(RECIPE, from_data=OF_FLOWS)
@variant_of(baselines.made, (), SMALL["made"])
def made_small(**keywords: Any) -> Flow:
    """MADE, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.made_small(event_shape=(2,)).event_shape
    (2,)
    """
    return baselines.made(**keywords)


@register(RECIPE, from_data=OF_FLOWS)
@variant_of(baselines.maf, (), SMALL["maf"])
def maf_small(**keywords: Any) -> Flow:
    """MAF, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.maf_small(event_shape=(2,)).event_shape
    (2,)
    """
    return baselines.maf(**keywords)


@register(RECIPE, from_data=OF_FLOWS)
@variant_of(baselines.ffjord, (), SMALL["ffjord"])
def ffjord_small(**keywords: Any) -> Flow:
    """FFJORD, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.ffjord_small(event_shape=(2,)).event_shape
    (2,)
    """
    return baselines.ffjord(**keywords)


@register(CLASSIFIER_RECIPE, task="classification", from_data=OF_CLASSIFIERS)
@variant_of(baselines.glow_classifier, (), SMALL["glow_classifier"])
def glow_classifier_small(**keywords: Any) -> Classifier:
    """A classifier on Glow's steps, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.glow_classifier_small(event_shape=(8, 8, 1), num_classes=10, bins=17).num_classes
    10
    """
    return baselines.glow_classifier(**keywords)


@register(CLASSIFIER_RECIPE, task="classification", from_data=OF_CLASSIFIERS)
@variant_of(baselines.irevnet_classifier, (), SMALL["irevnet_classifier"])
def irevnet_classifier_small(**keywords: Any) -> Classifier:
    """i-RevNet, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.irevnet_classifier_small(event_shape=(8, 8, 1), num_classes=10, bins=17).num_classes
    10
    """
    return baselines.irevnet_classifier(**keywords)


@register(CLASSIFIER_RECIPE, task="classification", from_data=OF_CLASSIFIERS)
@variant_of(baselines.neural_ode_classifier, (), SMALL["neural_ode_classifier"])
def neural_ode_classifier_small(**keywords: Any) -> Classifier:
    """A classifier on differential equations, small.

    Example:
    >>> import keras_iresnet as ki
    >>> ki.zoo.neural_ode_classifier_small(event_shape=(8, 8, 1), num_classes=10, bins=17).num_classes
    10
    """
    return baselines.neural_ode_classifier(**keywords)


__all__ = ["ffjord", "glow", "glow_classifier", "irevnet", "irevnet_classifier", "made", "maf", "neural_ode_classifier"]
__all__ += ["ffjord_small", "glow_small", "irevnet_small", "made_small", "maf_small", "nice", "nice_small", "real_nvp"]
__all__ += ["glow_classifier_small", "irevnet_classifier_small", "neural_ode_classifier_small", "real_nvp_small"]
