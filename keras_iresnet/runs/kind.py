"""Which commands a run is for: some need a density, some labels."""

from keras_iresnet.models import Flow


def load_flow(run) -> Flow:
    """The best checkpoint of a `RunFolder`.

    Raises:
        ValueError: it is no flow.
    """
    model = run.load_best()
    if not isinstance(model, Flow):
        raise ValueError(f"`run` must be one of a flow. Received: run={str(run.path)!r}, of a {type(model).__name__}")
    return model


def is_conditional(model) -> bool:
    """Whether it is a flow of p(x | c)."""
    return isinstance(model, Flow) and model.condition_size is not None
