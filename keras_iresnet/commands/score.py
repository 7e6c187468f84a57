"""Log-likelihoods of examples under the best checkpoint of a run: how unusual each is."""

import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

from keras_iresnet import data
from keras_iresnet.commands.arguments import check_at_least
from keras_iresnet.evaluation.log_likelihood import EXACT_DIMENSION, log_likelihoods
from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.ops.log_det import SeriesLogDet
from keras_iresnet.runs.kind import is_conditional, load_flow
from keras_iresnet.runs.output import output_file
from keras_iresnet.runs.run_data import data_of_run, description_of
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.table_rows import write_table

COMPARED = {"points": 10_000, "images": 1_000}  # training examples that a share is of
# Of images whose dimension is beyond an exact log-determinant: one probe is off by some thousandths of a bit/dim.
SERIES = SeriesLogDet(num_terms=20, num_probes=1)
BATCH = 256
HEADER = ("name", "log_likelihood_nats", "training_share_below")


class Scores(NamedTuple):
    """How likely examples are.

    Attributes:
        names: (n,) what to call each: the file of a picture, or the number of a row from 1.
        log_likelihoods: (n,) nats in data space.
        shares_below: (n,) share of the training examples that are less likely, in [0, 1]; near 0 for what is unusual.
        path: the file with all of that.
    """

    names: np.ndarray
    log_likelihoods: np.ndarray
    shares_below: np.ndarray
    path: pathlib.Path


def score_run(
    run: str | os.PathLike,
    *,
    examples: str | os.PathLike,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    progress: bool = True,
) -> Scores:
    """Write the log-likelihood of each example of a file or a folder, beside its name.

    The share is of the first 10,000 training rows or 1,000 images, in the run's random order. Those that the flow was
    fitted to are likelier than new ones of the same kind where it has overfitted: compare with the test split's shares.

    Args:
        run: the folder of a run of a flow.
        examples: a file or a folder like the one that the run was trained on; of a table, its columns are found by
            their names and others are ignored.
        seed: of dequantization noise and probes.
        out: file to write, `.csv`; `scores.csv` in the run folder by default.
        dataset: where the run's own files are now, if they were moved.
        data_dir: TFDS data directory, of a run on a named data set.
        progress: whether to show bars on standard error.

    Raises:
        ValueError: no run folder of a flow, or examples that do not fit it, or its data have changed.
        OSError: a file cannot be read or written.
    """
    check_at_least(0, seed=seed)
    folder = RunFolder.open(run)
    out = output_file(folder, out, "scores.csv", (".csv",))
    config, flow = folder.read_config(), load_flow(folder)
    labels = is_conditional(flow)
    found = _read(folder, config, flow, examples, labels)
    known = data_of_run(folder, data_dir=data_dir, labels=labels, dataset=dataset).train
    known = known.take(COMPARED["points" if flow.bins is None else "images"])
    estimator = None if flow.dimension <= EXACT_DIMENSION else SERIES
    options: dict[str, Any] = {"estimator": estimator, "seed": seed, "progress": progress}
    values, trained = (log_likelihoods(flow, part.batch(BATCH), **options) for part in (found.dataset(), known))
    shares = np.searchsorted(np.sort(trained), values) / len(trained)
    with replacing(out) as temporary:
        write_table(temporary, HEADER, list(zip(found.names, values, shares, strict=True)))
    return Scores(found.names, values, shares, out)


def _read(folder, config, flow, path, labels) -> data.Examples:
    """The examples, in the form of those that the run was trained on."""
    reading = data.Reading(**config.get("reading", {}))
    nothing = np.zeros(0)
    known = description_of(folder)
    like = data.Examples(flow.event_shape, flow.bins, nothing, None, nothing, known)
    return data.standardized(data.read_examples(path, reading, labels=labels, like=like), known)
