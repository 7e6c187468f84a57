"""Paths of points through a 1-D network, invertible or not: Behrmann et al., ICML 2019, figure 1.

Both networks map [-2, 2] to a noisy x^3 at half of their depth, and to a noisy identity at their end. Paths of an
invertible network never cross; those of a plain one may.
"""

import dataclasses
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.layers import Chain, DenseBranch, InvertibleResidualBlock
from keras_iresnet.studies.study_files import write_study

SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"blocks": 8, "units": (16,), "steps": 200},
    "minutes": {"blocks": 20, "units": (64, 64), "steps": 3000},
    "paper": {"blocks": 100, "units": (64, 64, 64), "steps": 20_000},
}
MODELS = {"plain": None, "invertible": 0.97}
NOISE = 0.1  # standard deviation of what is added to both targets
POINTS = 201  # paths that are followed


def dynamics(
    out: str | os.PathLike, *, size: str = "minutes", seed: int = 0
) -> tuple[tuple[pathlib.Path, ...], list[dict]]:
    """Train both networks; write `dynamics.npz`, `.csv`, `.md` and `.png`.

    Args:
        out: folder for the results.
        size: a key of `SIZES`.
        seed: of the weights, the points and the noise.

    Returns:
        The four paths, and the rows of the table: a network each.

    Raises:
        ValueError: no such size.
    """
    if size not in SIZES:
        raise ValueError(f"`size` must be one of {', '.join(SIZES)}. Received: size={size!r}")
    found = {label: train_dynamics(coeff, **SIZES[size], seed=seed) for label, coeff in MODELS.items()}
    rows = [
        {
            "model": label,
            "coeff": MODELS[label],
            "rms_error_at_half_depth": one.half_error,
            "rms_error_at_the_end": one.end_error,
            "crossing_pairs": one.crossings,
            "closest_relative_gap": one.closest,
        }
        for label, one in found.items()
    ]
    arrays = {label: one.paths for label, one in found.items()}
    paths = write_study(out, "dynamics", arrays=arrays, rows=rows, picture=lambda file: save_picture(found, file))
    return paths, rows


@dataclasses.dataclass(frozen=True)
class Dynamics:
    """What a network made of a row of points.

    Attributes:
        paths: (depth + 1, points), the state after each block, from the inputs on.
        half_error: root mean square difference from x^3 at half depth, without the noise.
        end_error: the same from x at the end.
    """

    paths: np.ndarray
    half_error: float
    end_error: float

    @property
    def crossings(self) -> int:
        """Pairs of neighbours that are out of order, or on one spot, after some block."""
        return int((np.diff(self.paths, axis=1) <= 0).any(0).sum())

    @property
    def closest(self) -> float:
        """The smallest gap between neighbours after a block, of the gap between them at first; negative if crossed."""
        gaps = np.diff(self.paths.astype(np.float64), axis=1)
        return float((gaps / gaps[0]).min())


def train_dynamics(
    coeff: float | None,
    *,
    blocks: int = 40,
    units: Sequence[int] = (64, 64),
    steps: int = 3000,
    learning_rate: float = 0.003,
    seed: int = 0,
) -> Dynamics:
    """Train a network of 1-D residual blocks and follow points through it.

    Args:
        coeff: bound of each layer's norm, in (0, 1), or `None` for a plain residual network.
        blocks: residual blocks, an even number.
        units: hidden units of each branch.
        steps: training steps, of 256 points each.
        learning_rate: of Adam, falling to 0 along a cosine.
        seed: of the weights, the points and the noise.

    Raises:
        ValueError: `blocks` is odd or below 2.

    Example:
    >>> from keras_iresnet.studies.dynamics import train_dynamics
    >>> found = train_dynamics(0.9, blocks=2, units=(4,), steps=2)
    >>> found.paths.shape, found.crossings
    ((3, 201), 0)
    """
    if blocks < 2 or blocks % 2:
        raise ValueError(f"`blocks` must be an even number of at least 2. Received: blocks={blocks!r}")
    keras.utils.set_random_seed(seed)
    halves = [Chain([_block(coeff, units) for _ in range(blocks // 2)]) for _ in range(2)]
    inputs = keras.Input((1,))
    half = halves[0](inputs)
    model = keras.Model(inputs, [half, halves[1](half)])
    _start_contractive(halves)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(schedule), ["mse", "mse"])
    model.fit(_noisy_batches(steps, seed), epochs=1, steps_per_epoch=steps, shuffle=False, verbose=0)
    return _follow(halves)


def _block(coeff, units):
    return InvertibleResidualBlock(DenseBranch(units, coeff=coeff))


def _start_contractive(halves):
    """Scale kernels to norms of at most 1: a deep plain network would begin as an explosion, and learn a constant."""
    for block in [*halves[0].layers, *halves[1].layers]:
        for spectral in block.branch.spectral_layers:
            norm = np.linalg.norm(spectral.kernel.numpy(), 2)
            spectral.kernel.assign(spectral.kernel / max(1.0, norm))


def _noisy_batches(steps, seed):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        x = rng.uniform(-2, 2, (256, 1)).astype("float32")
        half, end = (target + NOISE * rng.normal(size=x.shape) for target in (x**3, x))
        yield x, (half.astype("float32"), end.astype("float32"))


def _follow(halves):
    x = tf.linspace(-2.0, 2.0, POINTS)[:, None]
    states = [x]
    for layer in [*halves[0].layers, *halves[1].layers]:
        for spectral in layer.branch.spectral_layers:
            spectral.converge()  # sigma is behind the kernels after the last step
        states.append(layer(states[-1]))
    paths = np.stack([state.numpy()[:, 0] for state in states])
    half, end = paths[len(halves[0].layers)] - paths[0] ** 3, paths[-1] - paths[0]
    return Dynamics(paths, *(float(np.sqrt(np.mean(np.square(error)))) for error in (half, end)))


def save_picture(dynamics: dict, path: str | os.PathLike) -> None:
    """Draw the paths of each network side by side as PNG.

    Args:
        dynamics: label -> `Dynamics`.
        path: file.
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    figure = Figure(figsize=(6 * len(dynamics), 4.6), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(dynamics), sharey=True))
    for axes, (label, found) in zip(panels, dynamics.items(), strict=True):
        shown = found.paths[:, ::5]
        axes.plot(shown, lw=0.7, color="tab:blue", alpha=0.7)
        axes.axvline((len(shown) - 1) / 2, color="black", lw=0.8, ls=":")
        axes.set(xlabel="block", title=f"{label}: {found.crossings} of {POINTS - 1} neighbouring pairs cross")
    panels[0].set_ylabel("state")
    figure.savefig(path, format="png", dpi=120)
