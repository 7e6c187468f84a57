"""The authors' networks by the names of their code: `conv_iResNet` and `multiscale_conv_iResNet`.

github.com/jhjacobsen/invertible-resnet, models/conv_iResNet.py, at commit 630e886:

    (stack.S.)stack.B.actnorm._log_scale, ._shift                         y = x exp(_log_scale) + _shift
    (stack.S.)stack.B.bottleneck_block.K.weight_orig, .bias               (outputs, inputs, side, side)
        .weight_u, .weight_v, .weight_sigma                               the power iteration's vectors, and a log
    prior_mu, prior_logstd                                                latents, channel by channel
    bn1.*, logits.*                                                       the head of a classifier

Their squeeze orders channels as ours does. A kernel is divided by max(1, sigma / coeff), and one with a side above 1 by
1e-5 more (spectral_norm_conv_inplace.py). Before a stride of `conv_iResNet` sigma is that of the grid before it.
"""

import re

import numpy as np

from keras_iresnet import layers
from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
from keras_iresnet.commands.checkpoints.parts import LEAVE, Known, Linear, act_norm, by_position, residual_block
from keras_iresnet.commands.checkpoints.stored_norm import stored_sigma

COEFF, ACTIVATION = 0.9, "elu"  # the defaults of their CIFAR_main.py
_STABILITY = 1e-5
_HEAD = ("bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var", "logits.weight", "logits.bias")


class AuthorsNetwork:
    """The parts of a checkpoint, and what the prior and the head of it are.

    Args:
        tensors: the checkpoint.
        event_shape: (height, width, channels) of an image.
        known: what it does not say.
        task: `"density"` or `"classification"`.

    Attributes:
        parts: the layers, from the image with its pixels already centred or standardised.
        raised: name of a block -> the bound of its layers in the place of the checkpoint's.
        multi_scale: whether half of the channels leave after each scale.

    Raises:
        ValueError: a tensor is missing, or does not fit in; or there is no such network of this task here.
    """

    def __init__(self, tensors: NamedTensors, event_shape: tuple[int, int, int], known: Known, task: str) -> None:
        self._tensors, self._known = tensors, known
        self.multi_scale = "stack.0.stack.0" in _prefixes(tensors)
        self._event = event_shape
        self.parts: list[layers.InvertibleLayer | None] = []
        self.raised: dict[str, float] = {}
        self._latents: list[tuple[int, int, int]] = []  # of each scale, in the order of leaving
        self._check(task, self._begin())
        blocks = _prefixes(tensors)
        for i, block in enumerate(blocks):
            self._add_block(block)
            if self.multi_scale and i + 1 < len(blocks) and _scale(blocks[i + 1]) != _scale(block):
                self._leave()
        self._latents.append(self._event)

    def prior(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and logarithm of the deviation of the latents, in our order: position by position."""
        sizes = [int(np.prod(shape)) for shape in self._latents]
        starts = np.cumsum([0, *sizes[:-1]])
        order = np.concatenate([start + by_position(shape) for start, shape in zip(starts, self._latents, strict=True)])
        return tuple(self._tensors.take(name, sum(sizes))[order] for name in ("prior_mu", "prior_logstd"))

    def head(self) -> dict[str, np.ndarray]:
        """The tensors of the classifier's head, by the last parts of their names."""
        self._tensors.leave_out(["prior_mu", "prior_logstd", "bn1.num_batches_tracked"])
        channels = self._event[-1]
        shapes = {name: (-1, channels) if name == "logits.weight" else (channels,) for name in _HEAD[:-1]}
        found = {name: self._tensors.take(name, *shape) for name, shape in shapes.items()}
        return found | {"logits.bias": self._tensors.take("logits.bias", len(found["logits.weight"]))}

    def leave_out_head(self) -> None:
        """A density has a head that nothing reads."""
        self._tensors.leave_out([*_HEAD, "bn1.num_batches_tracked"])

    def _check(self, task, pad):
        if task == "density" and pad:
            raise ValueError(
                "A density must have no padding: the images of padded channels have no volume. Received: a checkpoint "
                f"with {pad} padded channels, task='density'"
            )
        if task == "classification" and self.multi_scale:
            raise ValueError(
                "A classifier must see all of its features: the head of multiscale_conv_iResNet, which sees those of "
                "the last scale, has no place here. Received: task='classification'"
            )

    def _begin(self):
        """The squeeze and the padding in front of the first block; how many channels are padded."""
        height, width, channels = self._event
        if self.multi_scale:
            return 0
        _, grid_size = self._sides_of(self._first_kernel("stack.0"))
        if grid_size * 4 == height * width:
            self._squeeze()
        height, width, channels = self._event
        dimension = self._tensors.shape("prior_mu")[0]
        pad, rest = divmod(dimension, height * width)
        pad -= channels
        if rest or pad < 0:
            raise ValueError(
                f"`event_shape` must be that of the checkpoint's images, {grid_size} or {4 * grid_size} pixels of "
                f"{dimension} numbers in all with those of a padding. Received: {self._event} where its blocks begin"
            )
        if pad:
            self.parts.append(layers.InjectivePad(pad))
            self._event = (height, width, channels + pad)
        return pad

    def _add_block(self, block):
        kernels = self._kernels(block)
        first = self._tensors.shape(f"{block}.bottleneck_block.{kernels[0]}.weight_orig")
        before = self._event[:2]
        while self._event[-1] * 4 <= first[1]:
            self._squeeze()
        height, width, channels = self._event
        if f"{block}.actnorm._shift" in self._tensors:
            log_scale = self._tensors.take(f"{block}.actnorm._log_scale", channels)
            shift = self._tensors.take(f"{block}.actnorm._shift", channels)
            self.parts.append(act_norm(shift * np.exp(-log_scale), log_scale, self._event))
        grid = (height, width) if self.multi_scale else before
        linear, inputs = [], channels
        for i, k in enumerate(kernels):
            name = f"{block}.bottleneck_block.{k}"
            outputs = channels if i + 1 == len(kernels) else self._tensors.shape(f"{name}.bias")[0]
            linear.append(self._linear(name, inputs, outputs, grid, activated=i > 0 or kernels[0] > 0))
            inputs = outputs
        made = residual_block(linear, self._known, self._event, preactivate=kernels[0] > 0, name=block)
        self.parts.append(made.layer)
        if made.raised is not None:
            self.raised[made.layer.name] = made.raised

    def _linear(self, name, inputs, outputs, grid, *, activated):
        side = self._tensors.shape(f"{name}.weight_orig")[-1]
        weight = self._tensors.take(f"{name}.weight_orig", outputs, inputs, side, side)
        vectors = (f"{name}.weight_u", f"{name}.weight_v")
        sigma = stored_sigma(self._tensors, f"{name}.weight_orig", *vectors, grid)
        self._tensors.leave_out([f"{name}.weight_sigma"])
        factor = max(1.0, sigma / self._known.coeff) + (_STABILITY if side > 1 else 0.0)
        kernel = weight.transpose(2, 3, 1, 0) / factor
        if activated and self._known.activation == "maxmin":
            kernel = kernel[:, :, _in_pairs(inputs)]
        return Linear(kernel, self._tensors.take(f"{name}.bias", outputs))

    def _squeeze(self):
        height, width, channels = self._event
        if height % 2 or width % 2:
            raise ValueError(
                "`event_shape` must be that of the checkpoint's images, whose sides are halved. "
                f"Received: {self._event} before a squeeze"
            )
        self.parts.append(layers.Squeeze())
        self._event = (height // 2, width // 2, 4 * channels)

    def _leave(self):
        height, width, channels = self._event
        self._latents.append((height, width, channels // 2))
        self._event = (height, width, channels - channels // 2)
        self.parts.append(LEAVE)

    def _first_kernel(self, block):
        return f"{block}.bottleneck_block.{self._kernels(block)[0]}"

    def _kernels(self, block):
        """Where the convolutions stand among the activations of a block."""
        return self._tensors.numbers(rf"{re.escape(block)}\.bottleneck_block\.(\d+)\.weight_orig")

    def _sides_of(self, name):
        """Channels that a convolution takes, and pixels of the grid that its norm is of."""
        outputs, inputs, *_ = self._tensors.shape(f"{name}.weight_orig")
        return inputs, self._tensors.shape(f"{name}.weight_u")[0] // outputs


def is_theirs(tensors: NamedTensors) -> bool:
    """Whether a checkpoint has their names."""
    return any(".bottleneck_block." in name for name in tensors)


def _prefixes(tensors):
    """The names of the blocks, in the order of the data."""
    found = {name.partition(".bottleneck_block.")[0] for name in tensors if ".bottleneck_block." in name}
    return sorted(found, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])


def _scale(block):
    return block.split(".")[1]


def _in_pairs(channels):
    """Their sorting puts the larger of all pairs first, ours the two of each pair side by side."""
    return np.arange(channels).reshape(2, -1).T.ravel()
