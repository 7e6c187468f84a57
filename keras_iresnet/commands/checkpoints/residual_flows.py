"""Residual Flows by the names of their code: the image models `ResidualFlow`.

github.com/rtqichen/residual-flows, resflows/resflow.py, at commit 8170138; transforms.S.chain.N is

    weight, bias                                     y = (x + bias) exp(weight), of channels
    fc_module.weight, .bias                          the same, of all numbers of an image
    nnet.K.weight, .bias, .u, .v                     a block's convolutions, nnet.K.beta its activations' slopes
    nnet.nnet.K.weight, .bias, .u, .v                those of a block that sees all numbers of an image
    geom_p, lamb, last_n_samples, ...                of the estimator, left out here

and nothing where a logit or a squeeze stands. A kernel is divided by max(1, sigma / coeff). Their squeeze takes the
four pixels of a channel side by side, and the second half of the channels leaves.
"""

import re

import numpy as np

from keras_iresnet import layers
from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
from keras_iresnet.commands.checkpoints.parts import LEAVE, Known, Linear, act_norm, by_position, residual_block
from keras_iresnet.commands.checkpoints.stored_norm import stored_sigma

COEFF, ACTIVATION = 0.98, "lipswish"  # the defaults of their train_img.py
_NORM = ("scale", "initialized")  # beside u, v and the grid
_ESTIMATOR = ("geom_p", "lamb", "last_n_samples", "last_firmom", "last_secmom")


class ResidualFlowNetwork:
    """The parts of a checkpoint.

    Args:
        tensors: the checkpoint.
        event_shape: (height, width, channels) of an image.
        known: what it does not say.

    Attributes:
        parts: the layers, from the image on.
        raised: name of a block -> the bound of its layers in the place of the checkpoint's.
        has_logit: whether a layer without weights, their logit, stands in front.

    Raises:
        ValueError: a tensor is missing, or does not fit in.
    """

    def __init__(self, tensors: NamedTensors, event_shape: tuple[int, int, int], known: Known) -> None:
        self._tensors, self._known, self._event = tensors, known, event_shape
        self._flat: tuple[int, int, int] | None = None  # the shape that was made a vector
        self.parts: list[layers.InvertibleLayer | None] = []
        self.raised: dict[str, float] = {}
        scales = [self._places(scale) for scale in sorted(set(tensors.numbers(r"transforms\.(\d+)\..*")))]
        self.has_logit = scales[0][0].endswith(".1")
        self._begin(scales[0][0])
        for i, places in enumerate(scales):
            if i:
                self._next_scale(self._channels(places))
            for place in places:
                self._add(place)

    def _places(self, scale):
        """The names of the layers of a scale that have tensors."""
        numbers = sorted(set(self._tensors.numbers(rf"transforms\.{scale}\.chain\.(\d+)\..*")))
        return [f"transforms.{scale}.chain.{number}" for number in numbers]

    def _begin(self, place):
        """Their `--squeeze-first`, which is not in the checkpoint, by the channels of what comes first."""
        channels = self._channels([place])
        if channels == 4 * self._event[-1]:
            self._squeeze()
        elif channels != self._event[-1]:
            raise ValueError(
                f"`event_shape` must be that of the checkpoint's images, of {channels} channels, or a fourth of them "
                f"where they are squeezed first; there is no place for padded ones. Received: {self._event}"
            )

    def _channels(self, places):
        """What the first of these layers takes, if it is one of channels; else what there is."""
        for place in places:
            name = f"{place}.weight" if f"{place}.weight" in self._tensors else None
            if name is None and (kernels := self._kernels(place, "nnet")):
                return self._tensors.shape(f"{place}.nnet.{kernels[0]}.weight")[1]
            if name is not None:
                return self._tensors.shape(name)[0]
        return self._event[-1]

    def _kernels(self, place, inner):
        """Where linear layers stand among the activations of a block."""
        pattern = rf"{re.escape(place)}\.{re.escape(inner)}\.(\d+)\.weight"
        return sorted(int(match[1]) for name in self._tensors if (match := re.fullmatch(pattern, name)))

    def _next_scale(self, channels):
        """The squeeze between two scales, and half of what it makes, where the next scale has no more."""
        self._squeeze()
        if 2 * channels == self._event[-1]:
            # The half that leaves is the first one here.
            self.parts.append(layers.PermuteChannels([*range(channels, 2 * channels), *range(channels)]))
            self.parts.append(LEAVE)
            self._event = (*self._event[:2], channels)

    def _squeeze(self):
        height, width, channels = self._event
        if height % 2 or width % 2:
            raise ValueError(
                "`event_shape` must be that of the checkpoint's images, whose sides are halved. "
                f"Received: {self._event} before a squeeze"
            )
        self._event = (height // 2, width // 2, 4 * channels)
        side_by_side = [place * channels + channel for channel in range(channels) for place in range(4)]
        self.parts += [layers.Squeeze(), layers.PermuteChannels(side_by_side)]

    def _add(self, place):
        dense = f"{place}.fc_module.weight" in self._tensors or bool(self._kernels(place, "nnet.nnet"))
        if dense and self._flat is None:
            self._flat = self._event
            self.parts.append(layers.Flatten())
        if self._flat is not None and not dense:
            raise ValueError(
                "The checkpoint must have layers of all numbers of an image at its end alone. "
                f"Received: {place}, which stands behind one and sees channels"
            )
        if self._kernels(place, "nnet.nnet"):
            self._add_block(place, "nnet.nnet")
        elif self._kernels(place, "nnet"):
            self._add_block(place, "nnet")
        elif f"{place}.weight" in self._tensors or dense:
            self._add_act_norm(f"{place}.fc_module" if dense else place)
        # Of what is neither, the tensors stay without a place.

    def _add_act_norm(self, name):
        order = self._order()
        bias, weight = (self._tensors.take(f"{name}.{part}", len(order))[order] for part in ("bias", "weight"))
        self._tensors.leave_out([f"{name}.initialized"])
        self.parts.append(act_norm(bias, weight, self._shape()))

    def _add_block(self, place, inner):
        kernels = self._kernels(place, inner)
        order = self._order()
        linear, inputs = [], len(order)
        for i, k in enumerate(kernels):
            name = f"{place}.{inner}.{k}"
            last = i + 1 == len(kernels)
            outputs = len(order) if last else self._tensors.shape(f"{name}.weight")[0]
            one = self._linear(name, inputs, outputs, range(kernels[i - 1] + 1 if i else 0, k))
            if i == 0:
                one = one._replace(kernel=one.kernel[..., order, :])
            if last:
                one = one._replace(kernel=one.kernel[..., order], bias=one.bias[order])
            linear.append(one)
            inputs = outputs
        self._tensors.leave_out([f"{place}.{part}" for part in _ESTIMATOR])
        made = residual_block(linear, self._known, self._shape(), preactivate=kernels[0] > 0, name=place)
        self.parts.append(made.layer)
        if made.raised is not None:
            self.raised[made.layer.name] = made.raised

    def _linear(self, name, inputs, outputs, before):
        """A linear layer, and the slope of the activation among the places before it."""
        grid = self._event[:2]
        sides = self._tensors.shape(f"{name}.weight")[2:]
        weight = self._tensors.take(f"{name}.weight", outputs, inputs, *sides)
        if sides and (known := tuple(self._tensors.take(f"{name}.spatial_dims", 2))) != grid:
            raise ValueError(
                f"`event_shape` must be that of the checkpoint's images: `{name}` is of a grid of {known[0]:g} x "
                f"{known[1]:g}. Received: {grid[0]} x {grid[1]} there"
            )
        sigma = stored_sigma(self._tensors, f"{name}.weight", f"{name}.u", f"{name}.v", grid)
        self._tensors.leave_out([f"{name}.{part}" for part in _NORM])
        kernel = weight.T if weight.ndim == 2 else weight.transpose(2, 3, 1, 0)
        place = name.rpartition(".")[0]
        slopes = [f"{place}.{k}.beta" for k in before if f"{place}.{k}.beta" in self._tensors]
        beta = None
        if self._known.activation == "lipswish" and len(before):
            beta = float(self._tensors.take(slopes[0] if slopes else f"{place}.{before[0]}.beta", 1)[0])
        return Linear(kernel / max(1.0, sigma / self._known.coeff), self._tensors.take(f"{name}.bias", outputs), beta)

    def _shape(self):
        """The shape of an example as the next layer sees it."""
        return self._event if self._flat is None else (len(self._order()),)

    def _order(self):
        """Where the channels, or the numbers of a vector, stand in theirs."""
        return np.arange(self._event[-1]) if self._flat is None else by_position(self._flat)


def is_theirs(tensors: NamedTensors) -> bool:
    """Whether a checkpoint has their names."""
    return any(re.match(r"transforms\.\d+\.chain\.", name) for name in tensors)
