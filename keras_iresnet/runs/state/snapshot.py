"""What a model in training consists of, as named arrays: taken out, and put back to the bit."""

import keras
import numpy as np

from keras_iresnet.models import Flow
from keras_iresnet.models.files.old_files import with_added, without_zeros_of_prior
from keras_iresnet.runs.state.state_file import StateRefusedError


def take(model: keras.Model) -> dict:
    """Name -> array of weights, power-iteration vectors, seed generators, optimizer (averages and steps), metrics.

    Of what the replicas sum up (an epoch's metrics), the sum over those of this process.
    """
    results = model.distribute_strategy.experimental_local_results
    return {
        name: _value(variable, [part.numpy() for part in results(variable.value)])
        for name, variable in _named(model).items()
    }


def put(model: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    """Give a model the values that `take` found in one like it, on any number of replicas.

    Raises:
        StateRefusedError: they are those of another model.
    """
    named = _named(model)
    if _shapes(named) != _shapes(arrays):
        raise StateRefusedError("its arrays are those of another model or optimizer")
    results = model.distribute_strategy.experimental_local_results
    for name, variable in named.items():
        if _is_sum(variable):  # TensorFlow's own assignment would wait for the other machines
            parts = results(variable.value)
            for part in parts:
                part.assign(arrays[name] / len(parts))
        else:
            variable.assign(arrays[name])


def of_today(model: keras.Model, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of a state, of which a model may once have had more, or fewer."""
    if isinstance(model, Flow):
        arrays = without_zeros_of_prior(model.prior, arrays)
    own = [variable for name, variable in _named(model).items() if name.startswith("model/")]
    return with_added({"model": own, "best": model.weights}, arrays)


def _named(model):
    metrics = [variable for metric in model.metrics for variable in metric.variables]
    first = model.prior.variables if isinstance(model, Flow) else []  # as they were when they were the flow's own
    seen = {id(variable) for variable in first}
    variables = [*first, *(variable for variable in model.variables if id(variable) not in seen)]
    parts = {"model": variables, "optimizer": model.optimizer.variables, "metrics": metrics}
    # By place: Keras's names count the models that a process has made before.
    return {f"{part}/{i:04d}": variable for part, variables in parts.items() for i, variable in enumerate(variables)}


def _shapes(named):
    return {name: tuple(value.shape) for name, value in named.items()}


def _value(variable, parts):
    """One value out of those that the replicas hold."""
    return np.sum(parts, 0, dtype=parts[0].dtype) if _is_sum(variable) else parts[0]


def _is_sum(variable):
    """Whether the replicas hold summands, rather than the same."""
    return variable.synchronization == "on_read"
