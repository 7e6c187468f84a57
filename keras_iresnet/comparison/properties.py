"""What kind of flow a model is, found by running it: the columns of the paper's table 1."""

import dataclasses
import math
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.borrowed.tensorflow_names import products_in
from keras_iresnet.comparison.likelihoods import dense_jacobian, likelihood_of
from keras_iresnet.layers import InvertibleLayer
from keras_iresnet.models import Flow

EXAMPLES = 4
_PRIMES = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
_ROUNDING = 1e-4  # relative to a nat or to the log-determinant, of float32


@dataclasses.dataclass(frozen=True)
class Properties:
    """What was found of one layer, that with the most weights, and of the inverse of the whole flow.

    Attributes:
        layer: the layer's class.
        free_form: whether every output of it depends on every input: no entry of its dense Jacobian is 0 at all
            examples. Of images, those between the channels of one pixel where there are several.
        volume_preserving: whether its log-determinant is the same for all examples.
        likelihood: `"exact"` where the log-determinant that training takes has nothing random in it and is that of the
            Jacobian, `"unbiased"` where the mean of draws is, and `"biased"` where it is not, by more than chance: four
            standard errors.
        log_det_error_nats: how far that mean is from the Jacobian's, the largest of the examples; see
            `likelihoods.likelihood_of`.
        log_det_standard_error_nats: of that, 0 where nothing is random: a smaller bias was not seen.
        analytic_inverse: whether the flow's inverse takes no iterations.
        inverse_steps: iterations of it, in all layers together, the mean over examples.
        forward_passes: how often the layer's network is evaluated for its value, of a few examples at once.
        inverse_passes: how often for its inverse.
    """

    layer: str
    free_form: bool
    volume_preserving: bool
    likelihood: str
    log_det_error_nats: float
    log_det_standard_error_nats: float
    analytic_inverse: bool
    inverse_steps: float
    forward_passes: float
    inverse_passes: float

    def columns(self) -> dict[str, Any]:
        """As a row of a table has them."""
        return dataclasses.asdict(self)


def properties_of(flow: Flow, examples: np.ndarray, *, seed: int = 0) -> Properties:
    """Run a trained flow to find out what it is.

    Args:
        flow: a `Flow`; before training many a layer is the identity, of which nothing can be seen.
        examples: a few, integer images or points.
        seed: of the noise and the draws.

    Example:
    >>> import keras_iresnet as ki
    >>> import numpy as np
    >>> from keras_iresnet.comparison.properties import properties_of
    >>> points = np.random.default_rng(0).normal(size=(50, 3)).astype("float32")
    >>> flow = ki.baselines.nice((3,), blocks=2, units=(8,), seed=0)
    >>> flow.initialize(points)
    >>> found = properties_of(flow, points[:4])
    >>> found.layer, found.volume_preserving, found.analytic_inverse
    ('Coupling', True, True)
    """
    data = tf.convert_to_tensor(examples[:EXAMPLES])
    data = data if flow.bins is None else flow.to_data(data, seed)
    layer = main_layer(flow)
    x = input_of(flow, layer, data)
    jacobian = dense_jacobian(layer, x)
    exact = np.linalg.slogdet(jacobian)[1]
    z = flow.forward(data)
    steps = flow.inverse_and_report(z)[1].steps.numpy()
    return Properties(
        layer=type(layer).__name__,
        free_form=bool(np.all(np.abs(_between_channels(jacobian, x.shape[1:])).max(0) > 0)),
        volume_preserving=bool(np.ptp(exact) <= _ROUNDING * (1 + np.abs(exact).max())),
        **likelihood_of(layer, x, seed),
        analytic_inverse=bool(steps.max() == 0),
        inverse_steps=float(steps.mean()),
        **_passes(layer, x),
    )


def main_layer(flow: Flow) -> InvertibleLayer:
    """The invertible layer that holds no other and has the most weights: the first of those.

    Raises:
        ValueError: none has any.
    """
    found = [layer for layer in layers_in(flow.layer) if isinstance(layer, InvertibleLayer)]
    inner = [one for one in found if not any(isinstance(part, InvertibleLayer) for part in _parts(one))]
    sizes = [sum(math.prod(weight.shape) for weight in one.trainable_weights) for one in inner]
    if not sizes or not max(sizes):
        raise ValueError(f"`flow` must have a layer with weights. Received: {[type(one).__name__ for one in found]}")
    return inner[sizes.index(max(sizes))]


def _parts(layer):
    return [part for part in layers_in(layer) if part is not layer]


def input_of(flow: Flow, layer: InvertibleLayer, data: tf.Tensor) -> tf.Tensor:
    """What a layer of a flow gets where the flow gets `data`, in data space."""
    seen: list[tf.Tensor] = []
    forward = layer._forward

    def recording(x, carried):
        seen.append(x)
        return forward(x, carried)

    layer._forward = recording  # type: ignore[method-assign]
    try:
        flow.forward(data)
    finally:
        del layer._forward
    return seen[0]


def _passes(layer, x):
    """Products of something with a kernel, each way, by the number of kernels: what a pass has."""
    kernels = [weight.shape for weight in layer.trainable_weights if len(weight.shape) > 1]
    # A number of examples that divides no side of a kernel: by it, products of examples are told from those of norms.
    batch = next(prime for prime in _PRIMES if all(side % prime for shape in kernels for side in shape))
    x = tf.repeat(x, batch, 0)[:batch]
    y = layer(x)
    ways = {"forward": lambda: layer(x), "inverse": lambda: layer.inverse(y)}
    counts = {way: sum(shape[0] % batch == 0 for shape in products_in(pass_)) for way, pass_ in ways.items()}
    return {f"{way}_passes": count / len(kernels) for way, count in counts.items()}


def _between_channels(jacobian, event):
    """The entries that tell whether a layer is free-form: of images, of the pixel in the middle."""
    if len(event) < 3 or event[-1] == 1:
        return jacobian
    height, width, channels = event
    parts = jacobian.reshape(len(jacobian), height, width, channels, height, width, channels)
    row, column = height // 2, width // 2
    return parts[:, row, column, :, row, column, :]
