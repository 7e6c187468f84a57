"""Which commands a run is for: some need a density, some labels."""

from typing import Any

from keras_iresnet.models import Flow
from keras_iresnet.runs.run_folder import RunFolder


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
