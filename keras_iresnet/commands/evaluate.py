"""Evaluates the best checkpoint of a run."""

from keras_iresnet import data
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.tasks import task_of

SPLITS = ("train", "validation", "test")


def evaluate_run(
    path, *, split: str = "test", data_dir: str | None = None, seed=None, progress: bool = True, **protocol
) -> dict:
    """Evaluate a run's best checkpoint and put the figures into its metrics.json.

    Args:
        path: the run folder.
        split: `"train"`, `"validation"` or `"test"`.
        data_dir: TFDS data directory.
        seed: of the noise; the recipe's by default.
        progress: whether to show a bar on standard error.
        **protocol: for flows of images, `bias`, `standard_error`, `num_terms`, `max_passes`, as for
            `evaluate_bits_per_dim`.

    Returns:
        The split's figures, as metrics.json names them: `"test_bits_per_dim"` or `"test_log_likelihood_nats"`, the
        standard error of it, the number of examples, and how log-determinants were taken; for images, also the
        parts of the standard error, the bound of the bias (`None` where none is certified), terms and probes. Of a
        classifier `"test_error_percent"`, its standard error, the loss, and `"test_reconstruction_..."`: errors of
        images that came back from features, where pixels lie in [0, 1], and how many did not converge. Of a flow of
        p(x | c) both bits/dim and error, see `LikelihoodClassifier`.

    Raises:
        ValueError: no run folder, no such split, or a protocol for another run.
        OSError: the data cannot be read, or the folder not be written.
    """
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: split={split!r}")
    run = RunFolder.open(path)
    config = run.read_config()
    recipe, task = config["recipe"], task_of(config["name"], config["builder"])
    splits = data.load(recipe["dataset"], data_dir=data_dir, seed=recipe["seed"], labels=task.labels)
    seed = recipe["seed"] if seed is None else seed
    figures = task.figures(run.load_best(), splits, split, seed=seed, progress=progress, **protocol)
    run.write_json(run.metrics, run.read_metrics() | figures)
    return figures
