"""Which commands a run is for: some need a density, some labels; and whether its checkpoint is of the run's kind."""

from typing import Any

from keras_iresnet import zoo
from keras_iresnet.models import Classifier, Flow, Hybrid
from keras_iresnet.models.files.model_file import kind_of
from keras_iresnet.runs.run_folder import RunFolder

_CLASSES = {"density": Flow, "classification": Classifier, "hybrid": Hybrid}  # by what the zoo says of a model's task


def check_kind(model: Any, run: RunFolder) -> None:
    """Refuse a whole checkpoint that is of another task than the run, or of other examples.

    Raises:
        ValueError: it is.
    """
    config = run.read_config()
    try:
        task = zoo.get(config["name"]).task
    except ValueError:  # a model of the user's own, which is registered where it was trained
        task = None
    if task and (not isinstance(model, _CLASSES[task]) or isinstance(model, Hybrid) != (task == "hybrid")):
        raise ValueError(
            f"The checkpoint must hold a {_CLASSES[task].__name__}, as the run is one of {config['name']}. "
            f"Received: {run.best}, of a {kind_of(model)}"
        )
    shape = config.get("data", {}).get("event_shape")
    if shape is not None and tuple(shape) != tuple(model.event_shape):
        raise ValueError(
            f"The checkpoint must be of examples of shape {tuple(shape)}, as the run is. "
            f"Received: {run.best}, of examples of shape {tuple(model.event_shape)}"
        )


def load_flow(run: RunFolder) -> Flow:
    """The best checkpoint of a `RunFolder`.

    Raises:
        ValueError: it is no flow.
    """
    model = run.load_best()
    if not isinstance(model, Flow):
        raise ValueError(f"`run` must be one of a flow. Received: run={str(run.path)!r}, of a {type(model).__name__}")
    return model


def is_conditional(model: Any) -> bool:
    """Whether it is a flow of p(x | c)."""
    return isinstance(model, Flow) and model.condition_size is not None
