"""An option that has no effect is a defect: every keyword of every builder changes the model."""

import dataclasses
import functools
import inspect
import sys

import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet import zoo

SMALL = {"blocks": (1, 1), "channels": 4, "units": (4, 4), "dense_blocks": 1, "seed": 0}
# Another value by the keyword's name, where its type does not say one.
OTHER = {"activation": "relu", "coeff": 0.5, "dropout": 0.5, "strides": (2, 1), "normalization": "none", "weight": 0.5}
OTHER |= {"log_det": "roulette", "prior_tails": "student", "block": "monotone", "branch": "densenet", "depth": 3}
OTHER |= {"dequantization": "variational", "logit_alpha": 0.05}
OF_THE_RECIPE = {field.name for field in dataclasses.fields(zoo.Recipe)} - {"seed"}


def _small(builder):
    """Keywords of a small model."""
    parameters = inspect.signature(builder).parameters
    chosen = {name: value for name, value in SMALL.items() if name in parameters}
    if isinstance(parameters["blocks"].default, int):
        chosen["blocks"] = 1
    return chosen


def _defaults(builder):
    parameters = inspect.signature(builder).parameters
    return {name: parameter.default for name, parameter in parameters.items() if name not in OF_THE_RECIPE}


def _other(keyword, value):
    """A value that differs from `value`."""
    if keyword in OTHER:
        assert OTHER[keyword] != value
        return OTHER[keyword]
    if keyword == "pixel_transform":
        return "center" if value == "logit" else "logit"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, tuple):
        return (*value[:-1], value[-1] + 1)
    raise AssertionError(f"Say in OTHER what to set `{keyword}` to: its default is {value!r}")


def _behaviour(model):
    """Numbers that tell models apart: a training step's outputs with all kernels large, and the weights."""
    rng = np.random.default_rng(0)
    shape = (8, *model.event_shape)
    x = rng.normal(size=shape) if model.bins is None else rng.integers(0, model.bins, shape, dtype=np.uint8)
    x = x.astype("float32" if model.bins is None else "uint8")
    first = [weight.numpy().tobytes() for weight in model.weights]
    model.initialize(np.tile(x, (3, *[1] * len(model.event_shape))))  # enough for two components of a prior
    for weight in model.trainable_variables:
        # Large, so that kernels are normalised, by vectors that belong to others; and components of a prior apart.
        if weight.name in ("kernel", "condition_kernel", "loc"):
            weight.assign(np.random.default_rng(weight.shape[-1]).normal(size=weight.shape))
    outputs = np.asarray(_outputs(model, x))
    assert np.all(np.isfinite(outputs))
    return {"initial": first, "outputs": outputs.tobytes(), "trained": len(model.trainable_variables)}


def _outputs(model, x):
    if isinstance(model, ki.models.Hybrid):
        model.compile()
        outputs = model(x, training=True)
        # One number alone may be rounded to what it was.
        return np.append(outputs["log_prob"], model.compute_loss(None, np.arange(8), outputs))
    if isinstance(model, ki.Flow):
        condition = None if model.condition_size is None else np.arange(8)
        return model.log_prob(x, seed=3, training=True, condition=condition)
    return model(x, training=True)


@functools.cache
def _base(name):
    builder = zoo.get(name).builder
    return _behaviour(builder(**_small(builder)))


def _smallest_of_each_kind():
    """One model for each function that builds: those of one function differ in their defaults alone."""
    kinds = {}
    for name in zoo.list():
        builder = zoo.get(name).builder
        kinds.setdefault(getattr(builder, "base", builder), []).append(name)
    return [min(names, key=lambda name: zoo.get(name).recipe.dataset != "digits") for names in kinds.values()]


def _cases(names):
    return [(name, keyword) for name in names for keyword in _defaults(zoo.get(name).builder)]


def test_a_model_behaves_the_same_each_time():
    (name, *_) = _smallest_of_each_kind()
    builder = zoo.get(name).builder
    assert _behaviour(builder(**_small(builder))) == _base(name)


@pytest.mark.parametrize(("name", "keyword"), _cases(_smallest_of_each_kind()))
@pytest.mark.sweep(5)
def test_keyword_changes_the_model(name, keyword):
    builder = zoo.get(name).builder
    small = _small(builder)
    value = _other(keyword, (_defaults(builder) | small)[keyword])
    found = _behaviour(builder(**(small | {keyword: value})))
    part = "initial" if keyword == "seed" else "outputs"
    assert found[part] != _base(name)[part]


@pytest.mark.parametrize("name", zoo.list())
def test_keywords_reach_what_builds_the_model(name, monkeypatch):
    # The models of one kind hand their keywords on; building each of them for each keyword would take minutes.
    builder = zoo.get(name).builder
    if not hasattr(builder, "base"):
        assert name in _smallest_of_each_kind()
        return
    base = builder.base.__name__
    monkeypatch.setattr(sys.modules[builder.__module__], base, lambda *of_the_data, **keywords: keywords)
    for keyword, default in _defaults(builder).items():
        value = object()
        assert builder(**{keyword: value})[keyword] is value
        assert builder().get(keyword, default) == default
