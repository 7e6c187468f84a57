"""Bias and deviation of the log-det estimator by its number of terms, against brute force.

Figures 4 and 9 of Behrmann et al., ICML 2019. All is of log|det J| summed over the blocks, divided by D ln 2: what the
estimator's errors cost in bits/dim, with the opposite sign.
"""

import csv
import dataclasses
import math
import os
import pathlib

import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import draw_seed
from keras_iresnet.evaluation.certificate import certify
from keras_iresnet.models import Flow
from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.ops.series_terms import series_terms
from keras_iresnet.runs.held_out import held_out_images
from keras_iresnet.runs.kind import load_flow
from keras_iresnet.runs.run_folder import RunFolder

# Tangents and probes that go through a block at once.
_AT_ONCE = 1024


def trace_estimator_run(
    path: str | os.PathLike,
    out: str | os.PathLike,
    *,
    images: int = 10,
    num_terms: int = 20,
    num_probes: int = 100,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
) -> tuple[pathlib.Path, ...]:
    """Write `trace_estimator.npz`, `.csv` and `.png` into the folder `out`, which is made if it is not there.

    Args:
        path: the run folder, of an image flow.
        out: the folder to write to.
        images: how many test images.
        num_terms: the largest number of terms.
        num_probes: random probes of each image.
        seed: of the choice of images, the noise and the probes.
        data_dir: TFDS data directory.

    Returns:
        The three paths.

    Raises:
        ValueError: no run folder of an image flow, or numbers that cannot be.
        OSError: the data cannot be read, or the folder not be written.
    """
    run = RunFolder.open(path)
    chosen = held_out_images(run, images, seed=seed, data_dir=data_dir).images
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    study = trace_study(load_flow(run), chosen, num_terms=num_terms, num_probes=num_probes, seed=seed)
    paths = tuple(out / f"trace_estimator.{ending}" for ending in ("npz", "csv", "png"))
    title = f"log-det estimator of {run.read_config()['name']}, {images} test images"
    writers = (study.save, study.save_table, lambda file: save_picture(study, file, title))
    for file, write in zip(paths, writers, strict=True):
        with replacing(file) as temporary:
            write(temporary)
    return paths


@dataclasses.dataclass(frozen=True)
class TraceStudy:
    """Log-determinants of some images, bits/dim.

    Attributes:
        num_terms: (n,), 1 to n.
        exact: (images,), by LU factorisation of every block's Jacobian.
        truncated: (n, images), the series cut after each number of terms, from traces of powers of those Jacobians.
        estimates: (n, probes, images), the estimator with one probe.
        bias_bound: (n,), certified; infinite where some branch has no bound below 1.
    """

    num_terms: np.ndarray
    exact: np.ndarray
    truncated: np.ndarray
    estimates: np.ndarray
    bias_bound: np.ndarray

    @property
    def bias(self) -> np.ndarray:
        """(n,), mean over the images of what the cut leaves out; nothing in it is random."""
        return (self.truncated - self.exact).mean(-1)

    @property
    def estimated_bias(self) -> np.ndarray:
        """(n,), the same from the estimator's values."""
        return (self.estimates - self.exact).mean((1, 2))

    @property
    def standard_deviation(self) -> np.ndarray:
        """(n,), of one image's estimate by one probe."""
        return np.sqrt(self.estimates.var(1, ddof=1).mean(-1))

    @property
    def estimated_bias_standard_error(self) -> np.ndarray:
        """(n,), of `estimated_bias`, over the probes."""
        return self.standard_deviation / math.sqrt(self.estimates[0].size)

    def save(self, path: str | os.PathLike) -> None:
        """Write all arrays as `.npz`."""
        np.savez(path, **dataclasses.asdict(self))

    def save_table(self, path: str | os.PathLike) -> None:
        """Write a table by the number of terms as CSV, bits/dim."""
        errors = ("estimated_bias_standard_error", "standard_deviation", "bias_bound")
        names = ("num_terms", "bias", "estimated_bias", *errors)
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows(zip(*(getattr(self, name).tolist() for name in names), strict=True))


def trace_study(
    flow: Flow, images: np.ndarray, *, num_terms: int = 20, num_probes: int = 100, seed: int = 0
) -> TraceStudy:
    """Compare the series of a flow's log-determinant with brute force, on a few images.

    The Jacobian of every block is written out, D x D for each image: up to a thousand dimensions or so.

    Args:
        flow: a `Flow` with `bins`.
        images: (images, height, width, channels) integers.
        num_terms: the largest number of terms.
        num_probes: probes of each image, at least 2.
        seed: of the dequantization noise and the probes.

    Raises:
        ValueError: no flow of images, or fewer than one term or two probes.

    Example:
    >>> import numpy as np
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.studies.trace_estimator import trace_study
    >>> flow = ki.zoo.digits_flow(blocks=(1,), channels=4)
    >>> images = np.random.default_rng(0).integers(0, 17, (3, 8, 8, 1), dtype=np.uint8)
    >>> study = trace_study(flow, images, num_terms=10, num_probes=5)
    >>> study.estimates.shape, bool(abs(study.bias[-1]) < 1e-3)
    ((10, 5, 3), True)
    """
    if num_terms < 1 or num_probes < 2:
        raise ValueError(f"At least 1 term and 2 probes are needed. Received: {num_terms=}, {num_probes=}")
    certificate = certify(flow)
    if not certificate.blocks:
        raise ValueError("`flow` must have residual blocks. Received: none")
    points = flow.to_data(images, draw_seed(seed, 0))
    nats = math.prod(flow.event_shape) * math.log(2)

    @tf.function(autograph=False)
    def exact(x):
        recorder = _Exact(num_terms)
        flow.forward_and_log_det(x, 0, estimator=recorder)
        return tf.add_n(recorder.found)

    @tf.function(autograph=False)
    def estimate(x, seed):
        recorder = _Estimate(num_terms)
        flow.forward_and_log_det(x, seed, estimator=recorder)
        return tf.add_n(recorder.found)

    one_by_one = [exact(x).numpy()[:, 0] / nats for x in tf.split(points, len(points))]
    found = np.stack(one_by_one, -1)
    batch = max(1, _AT_ONCE // num_probes)
    parts = [
        estimate(tf.repeat(points[i : i + batch], num_probes, 0), draw_seed(seed, 1, i)).numpy() / nats
        for i in range(0, len(points), batch)
    ]
    terms = np.concatenate([part.reshape(num_terms, -1, num_probes) for part in parts], 1).swapaxes(1, 2)
    steps = np.arange(1, num_terms + 1)
    bound = np.array([certificate.series_bias(int(n)) for n in steps]) / nats
    return TraceStudy(steps, found[0], found[1:].cumsum(0), terms.astype(np.float64).cumsum(0), bound)


class _Exact:
    """An estimator that keeps log|det(I + J)| and the terms of its series, from the Jacobian: (1 + n, batch)."""

    def __init__(self, num_terms):
        self.num_terms, self.found = num_terms, []

    def __call__(self, g, x, seed):
        del seed
        size = x.shape[1:].num_elements()
        linearized = g.linearize(x, size)
        basis = tf.reshape(tf.eye(size, dtype=x.dtype), (size, 1, *x.shape[1:]))
        tangents = tf.reshape(tf.repeat(basis, tf.shape(x)[0], 1), (-1, *x.shape[1:]))
        rows = tf.reshape(linearized.jvp(tangents), (size, -1, size))  # row j: the derivative along dimension j
        transposed = tf.cast(tf.transpose(rows, (1, 0, 2)), tf.float64)
        log_det = tf.linalg.slogdet(tf.eye(size, dtype=tf.float64) + transposed).log_abs_determinant
        self.found.append(tf.stack([log_det, *self._series(transposed)]))
        return linearized.value, tf.zeros((), x.dtype)

    def _series(self, matrix):
        powers = [matrix]
        while 2 * len(powers) < self.num_terms:
            powers.append(tf.matmul(powers[-1], matrix))
        yield tf.linalg.trace(matrix)
        for k in range(2, self.num_terms + 1):  # tr(A B) = sum(A * B^T): powers up to half of k are enough
            halves = powers[k // 2 - 1] * tf.linalg.matrix_transpose(powers[(k + 1) // 2 - 1])
            yield (-1) ** (k + 1) / k * tf.reduce_sum(halves, (1, 2))


class _Estimate:
    """An estimator that keeps the terms of one probe an example: (n, batch)."""

    def __init__(self, num_terms):
        self.num_terms, self.found = num_terms, []

    def __call__(self, g, x, seed):
        value, terms = series_terms(g, x, seed, num_terms=self.num_terms)
        self.found.append(terms[:, 0])
        return value, tf.zeros((), x.dtype)


def save_picture(study: TraceStudy, path: str | os.PathLike, title: str = "") -> None:
    """Draw the bias and the deviation by the number of terms as PNG."""
    from matplotlib.figure import Figure  # not pyplot: no global state, no display
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    n = study.num_terms
    left.plot(n, np.abs(study.bias), "-", color="tab:blue", label="cut series, brute force")
    left.plot(n, np.abs(study.estimated_bias), "o", ms=4, color="tab:orange", label="mean of the estimates")
    left.plot(n, 2 * study.estimated_bias_standard_error, "-.", color="tab:orange", label="two standard errors of it")
    if np.isfinite(study.bias_bound).all():
        left.plot(n, study.bias_bound, "--", color="tab:gray", label="certified bound")
    left.axhline(1e-3, color="black", lw=0.8, ls=":", label="0.001 bits/dim")
    lowest = max(np.abs(study.bias).min(), 1e-9)
    left.set(yscale="log", ylabel="|bias|, bits/dim", ylim=(lowest / 3, None))
    left.legend(fontsize="small")
    right.plot(n, study.standard_deviation, "o-", ms=4, color="tab:orange")
    right.set(ylabel="standard deviation of one probe, bits/dim", ylim=(0, 1.1 * study.standard_deviation.max()))
    for axis in (left, right):
        axis.set_xlabel("terms of the series")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(title)
    figure.savefig(path, format="png", dpi=120)
