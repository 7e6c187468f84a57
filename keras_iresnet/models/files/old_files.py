"""Files from before priors were layers and points had units (until November 2026): what a flow was in them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_iresnet.priors import Prior, from_keywords

_KEYWORDS = ("learned_prior", "trained_prior", "prior_components", "prior_factors")


def with_prior(config: dict[str, Any]) -> dict[str, Any]:
    """A flow's config with a prior in the place of the four keywords that it had; a newer one as it is."""
    keywords = {name: config[name] for name in _KEYWORDS if name in config}
    if not keywords:
        return config
    kept = {name: value for name, value in config.items() if name not in keywords}
    return {**kept, "prior": from_keywords(**keywords)}


def take_prior(prior: Prior, store: Mapping[str, Any], own: int) -> Mapping[str, Any]:
    """Give a prior its weights, which came first among a flow's own, and return those that are the flow's.

    Args:
        prior: built; one without weights had some that stayed at 0.
        store: position -> array, as `load_own_variables` gets it.
        own: how many variables the flow has itself.
    """
    arrays = [np.asarray(store[str(i)]) for i in range(len(store))]
    first = len(arrays) - own
    for weight, array in zip(prior.weights, arrays[:first], strict=False):
        weight.assign(array)

    def nothing_there(store):
        del store, prior.load_own_variables

    # Next, Keras looks under the prior's own name, where such a file has nothing.
    prior.load_own_variables = nothing_there
    return {str(i): array for i, array in enumerate(arrays[first:])}


def without_zeros_of_prior(prior: Prior, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a state of training; a standard normal prior had two of zeros, which came first.

    Args:
        prior: built.
        arrays: `"model/0000"` and so on -> array; the same of `"best"`; and others.
    """
    ours = dict(arrays)
    first = _of(ours, "model")[:2]
    if not prior.weights and all(one.shape == (prior.dimension,) and not one.any() for one in first):
        for part in ("model", "best"):
            _put(ours, part, _of(ours, part)[2:])
    return ours


# Variables that layers did not have then -> what they were without a name: the unit of ActNorm's shifts, and whether
# Gaussianize had counted its values.
_ADDED = {"unit": np.float32(1), "counted": np.bool_(True)}


def with_added(variables: Mapping[str, Sequence[Any]], arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a state of training, with those of variables that layers did not have then.

    Args:
        variables: `"model"` and `"best"` -> the model's variables, in the order of either.
        arrays: as for `without_zeros_of_prior`.
    """
    ours = dict(arrays)
    for part, ordered in variables.items():
        held = _of(ours, part)
        if len(held) + sum(variable.name in _ADDED for variable in ordered) == len(ordered):
            known = iter(held)
            _put(ours, part, [_added(variable) if variable.name in _ADDED else next(known) for variable in ordered])
    return ours


def _added(variable):
    return np.full(variable.shape, _ADDED[variable.name])


def _of(arrays, part):
    return [arrays[name] for name in sorted(arrays) if name.startswith(f"{part}/")]


def _put(arrays, part, found):
    for name in [name for name in arrays if name.startswith(f"{part}/")]:
        del arrays[name]
    arrays |= {f"{part}/{i:04d}": array for i, array in enumerate(found)}
