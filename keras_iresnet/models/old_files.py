"""Files from before priors were layers (until November 2026): what a flow's config and weights were then."""

from collections.abc import Mapping
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


def without_zeros_of_prior(prior: Prior, arrays: Mapping[str, Any], own: int) -> dict[str, Any]:
    """The arrays of a state of training; a standard normal prior had two of zeros, which came first.

    Args:
        prior: built.
        arrays: `"model/0000"` and so on -> array; the same of `"best"`; and others.
        own: how many variables the model has.
    """
    ours = dict(arrays)
    if prior.weights or sum(name.startswith("model/") for name in arrays) != own + 2:
        return ours
    for part in ("model", "best"):
        held = [ours.pop(name) for name in sorted(ours) if name.startswith(f"{part}/")]
        ours |= {f"{part}/{i:04d}": array for i, array in enumerate(held[2:])}
    return ours
