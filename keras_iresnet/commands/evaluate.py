"""Evaluates the best checkpoint of a run."""

import os

from keras_iresnet.runs.run_data import data_of_run
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.tasks import task_of

SPLITS = ("train", "validation", "test")


def evaluate_run(
    run: str | os.PathLike,
    *,
    split: str = "test",
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    seed: int | None = None,
    bias: float | None = None,
    standard_error: float | None = None,
    num_terms: int | None = None,
    max_passes: int | None = None,
    progress: bool = True,
) -> dict:
    """Evaluate a run's best checkpoint and put the figures into its metrics.json.

    Args:
        run: the run folder.
        split: `"train"`, `"validation"` or `"test"`.
        dataset: where files of one's own are now, if they were moved.
        data_dir: TFDS data directory.
        seed: of the noise; the recipe's by default.
        bias: for flows of images, as are the next three, see `evaluate_bits_per_dim`, whose defaults hold for `None`:
            bits/dim that cutting the series of the log-determinant may cost.
        standard_error: bits/dim that noise and probes may leave to chance.
        num_terms: terms of the series, whatever its bias.
        max_passes: limit of how often all images are evaluated.
        progress: whether to show a bar on standard error.

    Returns:
        The split's figures, as metrics.json names them: `"test_bits_per_dim"` or `"test_log_likelihood_nats"`, the
        standard error of it, the number of examples, and how log-determinants were taken; for images, also the
        parts of the standard error, the bound of the bias (`None` where none is certified), terms and probes. Of a
        classifier `"test_error_percent"`, its standard error, the loss, and `"test_reconstruction_..."`: errors of
        images that came back from features, where pixels lie in [0, 1], and how many did not converge. Of a flow of
        p(x | c) both bits/dim and error, see `LikelihoodClassifier`.

    Raises:
        ValueError: no run folder, no such split, or a protocol that cannot be or is for another run: all before data
            are read.
        OSError: the data cannot be read, or the folder not be written.
    """
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: split={split!r}")
    folder = RunFolder.open(run)
    config = folder.read_config()
    recipe, task = config["recipe"], task_of(config["name"], config["builder"])
    protocol = {"bias": bias, "standard_error": standard_error, "num_terms": num_terms, "max_passes": max_passes}
    protocol = {name: value for name, value in protocol.items() if value is not None}
    task.check_protocol(protocol, points=config.get("data", {}).get("bins", 0) is None)
    splits = data_of_run(folder, data_dir=data_dir, labels=task.labels, dataset=dataset)
    seed = recipe["seed"] if seed is None else seed
    model = folder.load_best()
    task.check_fit(model, splits)
    figures = task.figures(model, splits, split, seed=seed, progress=progress, **protocol)
    if not folder.is_preset:
        folder.write_json(folder.metrics, folder.read_metrics() | figures)
    return figures
