"""The model that a checkpoint of the authors' or of Residual Flows is here."""

import dataclasses

import numpy as np

from keras_iresnet import layers, priors
from keras_iresnet.commands.checkpoints import authors, residual_flows
from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
from keras_iresnet.commands.checkpoints.parts import Known, act_norm, chain_of
from keras_iresnet.layers.spectral.spectral_layer import check_coeff
from keras_iresnet.models import Classifier, Flow
from keras_iresnet.ops.log_det import SeriesLogDet
from keras_iresnet.ops.roulette import RouletteLogDet

TASKS = ("density", "classification")
_TORCH_EPSILON = 1e-5  # of its batch normalisation


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a checkpoint does not hold.

    Args:
        event_shape: (height, width, channels) of an image.
        task: `"density"` or `"classification"`.
        coeff: bound of each layer's norm; by default that of the code that it comes from.
        activation: name of ours; likewise.
        bins: values of a pixel.
        logit_alpha: of Residual Flows' logit.
        mean: of each channel of pixels in [0, 1], which a classifier takes off.
        deviation: by which it divides.
    """

    event_shape: tuple[int, ...]
    task: str = "density"
    coeff: float | None = None
    activation: str | None = None
    bins: int = 256
    logit_alpha: float = 0.05
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None

    def check(self) -> None:
        """Refuse what cannot be, before a file is read."""
        check_coeff(self.coeff)
        if self.activation is not None:
            layers.LipschitzActivation(self.activation)
        layers.Logit(self.logit_alpha)
        if len(self.event_shape) != 3 or min(self.event_shape) < 1:
            raise ValueError(
                f"`event_shape` must be (height, width, channels). Received: event_shape={self.event_shape}"
            )
        if self.task not in TASKS:
            raise ValueError(f"`task` must be one of {', '.join(TASKS)}. Received: task={self.task!r}")
        for name in ("mean", "deviation"):
            value = getattr(self, name)
            if self.task == "classification" and (value is None or len(value) != self.event_shape[2]):
                raise ValueError(
                    f"`{name}` must have a number for each channel of a classifier's images: the checkpoint does not "
                    f"hold how they were standardised. Received: {name}={value}"
                )
            if self.task == "density" and value is not None:
                raise ValueError(f"`{name}` is for a classifier. Received: {name}={value}, task='density'")
        if self.deviation is not None and min(self.deviation) <= 0:
            raise ValueError(f"`deviation` must be positive. Received: deviation={self.deviation}")


@dataclasses.dataclass(frozen=True)
class Found:
    """A model, and what it was made of.

    Attributes:
        model: a `Flow` or a `Classifier`, with the weights of the checkpoint.
        source: whose names they had.
        coeff: bound of each layer's norm that they were normalised to.
        activation: name of ours.
        raised: name of a block -> its layers' bound, where their norms are above `coeff`; 1 or more is none.
    """

    model: Flow | Classifier
    source: str
    coeff: float
    activation: str
    raised: dict[str, float]


def model_of(tensors: NamedTensors, facts: Facts) -> Found:
    """Build the model of a checkpoint.

    Raises:
        ValueError: the names are of neither code, a tensor does not fit or has no place, or the architecture has none
            here.
    """
    if authors.is_theirs(tensors):
        return _of_authors(tensors, facts)
    if residual_flows.is_theirs(tensors):
        return _of_residual_flows(tensors, facts)
    raise ValueError(
        "The checkpoint must have the names of invertible-resnet (stack.0.bottleneck_block...) or of residual-flows "
        f"(transforms.0.chain.0...). Received: {', '.join([*tensors][:5]) or 'no tensors'}"
    )


def _of_authors(tensors, facts):
    known = Known(facts.activation or authors.ACTIVATION, facts.coeff or authors.COEFF, SeriesLogDet())
    network = authors.AuthorsNetwork(tensors, facts.event_shape, known, facts.task)
    if facts.task == "classification":
        return _found(_classifier(network, tensors, facts), network.raised, "invertible-resnet", known)
    network.leave_out_head()
    loc, log_scale = network.prior()
    tensors.check_all_taken()
    chain = chain_of([layers.Center(0.5), *network.parts])
    flow = Flow(chain, facts.event_shape, prior=priors.DiagonalNormal(), bins=facts.bins)
    flow.prior.loc.assign(loc)
    flow.prior.log_scale.assign(log_scale)
    return _found(flow, network.raised, "invertible-resnet", known)


def _classifier(network, tensors, facts):
    head = network.head()
    tensors.check_all_taken()
    shift, log_scale = -np.asarray(facts.mean), -np.log(np.asarray(facts.deviation))
    first = act_norm(shift, log_scale, facts.event_shape, trainable=False, name="standardize")
    model = Classifier(chain_of([first, *network.parts]), facts.event_shape, len(head["logits.bias"]), bins=facts.bins)
    norm, dense = model.head.norm, model.head.dense
    variance = head["bn1.running_var"]
    # Batch normalisation adds another number to the variance here: the scale makes up for it.
    norm.gamma.assign(head["bn1.weight"] * np.sqrt((variance + norm.epsilon) / (variance + _TORCH_EPSILON)))
    norm.beta.assign(head["bn1.bias"])
    norm.moving_mean.assign(head["bn1.running_mean"])
    norm.moving_variance.assign(variance)
    dense.kernel.assign(head["logits.weight"].T)
    dense.bias.assign(head["logits.bias"])
    return model


def _of_residual_flows(tensors, facts):
    if facts.task != "density":
        raise ValueError(
            "Checkpoints of residual-flows must be of densities: their classifiers have no place here. "
            f"Received: task={facts.task!r}"
        )
    has_slopes = any(name.endswith(".beta") for name in tensors)
    activation = facts.activation or (residual_flows.ACTIVATION if has_slopes else authors.ACTIVATION)
    known = Known(activation, facts.coeff or residual_flows.COEFF, RouletteLogDet())
    network = residual_flows.ResidualFlowNetwork(tensors, facts.event_shape, known)
    tensors.check_all_taken()
    first = [layers.Logit(facts.logit_alpha)] if network.has_logit else []
    flow = Flow(chain_of([*first, *network.parts]), facts.event_shape, prior=priors.StandardNormal(), bins=facts.bins)
    return _found(flow, network.raised, "residual-flows", known)


def _found(model: Flow | Classifier, raised: dict[str, float], source: str, known: Known) -> Found:
    model._initialized.assign(True)  # no data are to set what a checkpoint has set
    return Found(model, source, known.coeff, known.activation, raised)
