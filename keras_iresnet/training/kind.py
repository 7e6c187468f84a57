"""Which commands a run is for: some need a density."""

from keras_iresnet import zoo


def require_density(run):
    """Refuse a run of another kind of model than a flow."""
    name = run.read_config()["name"]
    if zoo.get(name).task != "density":
        raise ValueError(f"`run` must be one of a flow. Received: run={str(run.path)!r}, of {name}")
