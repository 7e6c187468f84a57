"""What of a model and its training can be set, told so that a person can choose: type, default, choices, meaning."""

import dataclasses
import inspect
import re
import types

from keras_iresnet import zoo
from keras_iresnet.baselines.coupling_flows import MIXINGS
from keras_iresnet.data import AUGMENTATIONS, COLORS, FITS, Reading
from keras_iresnet.evaluation.certification import ACTIONS
from keras_iresnet.layers.branches.activations import ACTIVATIONS
from keras_iresnet.optimizers import OPTIMIZERS
from keras_iresnet.priors.from_keywords import TAILS
from keras_iresnet.runs.field_values import Names
from keras_iresnet.runs.settings import BOUNDS, DECAYS, PRECISIONS, overridable, resolve
from keras_iresnet.zoo.block_kinds import BLOCKS, BRANCHES
from keras_iresnet.zoo.classifiers.image_classifier import NORMALIZATIONS
from keras_iresnet.zoo.dequantizers import DEQUANTIZATIONS
from keras_iresnet.zoo.flows.image_flow import PIXEL_TRANSFORMS
from keras_iresnet.zoo.log_dets import LOG_DETS

GROUPS = ("model", "optimisation", "data", "run")
_READING = tuple(of.name for of in dataclasses.fields(Reading))
_DATA = ("dataset", *_READING, "augmentation", "batch_size", "validation_examples", "initialization_batch")
_WATCHED = ("log_steps", "diagnostics", "certify_epochs", "certify_action")
_RUN = (*BOUNDS, "patience", "steps_per_epoch", "precision", "jit", "remat", *_WATCHED, "seed")
_CHOICES = {
    "activation": ACTIVATIONS,
    "block": BLOCKS,
    "branch": BRANCHES,
    "augmentation": AUGMENTATIONS,
    "color": COLORS,
    "certify_action": ACTIONS,
    "decay": DECAYS,
    "dequantization": DEQUANTIZATIONS,
    "fit": FITS,
    "log_det": LOG_DETS,
    "mixing": MIXINGS,
    "normalization": NORMALIZATIONS,
    "optimizer": OPTIMIZERS,
    "pixel_transform": PIXEL_TRANSFORMS,
    "prior_tails": TAILS,
    "precision": PRECISIONS,
}


@dataclasses.dataclass(frozen=True)
class Field:
    """One setting of a model and its training.

    Attributes:
        name: as `resolve` and `train` take it.
        type: `int`, `float`, `str`, `bool`, `tuple` of integers, or `Names`.
        optional: whether `None` is a value too.
        default: the value that this model has unless it is set.
        choices: the only values, or `None` where there are others.
        group: one of `GROUPS`: `"model"` for a keyword of the builder, the others for fields of the recipe.
        description: what it is, in the words of the builder's or the recipe's docstring.
    """

    name: str
    type: type
    optional: bool
    default: object
    choices: tuple[str, ...] | None
    group: str
    description: str


def fields(name: str) -> list[Field]:
    """All that `resolve` and `train` let override for the model called `name`, by group.

    Args:
        name: a name of `zoo.list()`.

    Raises:
        ValueError: unknown model.

    Example:
    >>> from keras_iresnet.runs import fields
    >>> decay = next(field for field in fields("digits_flow") if field.name == "decay")
    >>> decay.default, decay.choices, decay.group
    ('cosine', ('constant', 'cosine', 'drop'), 'optimisation')
    """
    settings = resolve(name)
    defaults = settings.keywords | vars(settings.reading) | vars(settings.recipe)
    described = _arguments(zoo.get(name).builder) | _arguments(Reading) | _arguments(zoo.Recipe)
    found = [
        Field(
            name=field,
            type=_widest(kinds),
            optional=types.NoneType in kinds,
            default=defaults[field],
            choices=tuple(_CHOICES[field]) if field in _CHOICES else None,
            group=_group(field),
            description=described.get(field, "see the builder."),
        )
        for field, kinds in overridable(name).items()
    ]
    return sorted(found, key=lambda field: GROUPS.index(field.group))


def _widest(kinds):
    """The type that says most: the tuple of what may be an integer or a tuple."""
    return max(kinds, key=(types.NoneType, bool, int, float, str, tuple, Names).index)


def _group(field):
    if field in _DATA:
        return "data"
    if field in _RUN:
        return "run"
    return "optimisation" if field in {of.name for of in dataclasses.fields(zoo.Recipe)} else "model"


def _arguments(documented):
    """Argument -> its description, from the Args section of a docstring."""
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", inspect.getdoc(documented) or "", re.M)
    return {name: " ".join(text.split()) for name, text in found}
