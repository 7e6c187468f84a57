"""Evaluates the best checkpoint of a run."""

from keras_iresnet import data
from keras_iresnet.analysis.evaluation import evaluate_bits_per_dim, evaluate_log_likelihood
from keras_iresnet.training.run_folder import RunFolder

SPLITS = ("train", "validation", "test")


def evaluate_run(path, *, split: str = "test", data_dir: str | None = None, seed=None, progress: bool = True) -> dict:
    """Evaluate a run's best checkpoint and put the figures into its metrics.json.

    Args:
        path: the run folder.
        split: `"train"`, `"validation"` or `"test"`.
        data_dir: TFDS data directory.
        seed: of the noise; the recipe's by default.
        progress: whether to show a bar on standard error.

    Returns:
        The split's figures, as metrics.json names them: `"test_bits_per_dim"` or `"test_log_likelihood_nats"`, the
        standard error of it, the number of examples, and how log-determinants were taken.

    Raises:
        ValueError: no run folder, or no such split.
        OSError: the data cannot be read, or the folder not be written.
    """
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: split={split!r}")
    run = RunFolder.open(path)
    recipe = run.read_config()["recipe"]
    splits = data.load(recipe["dataset"], data_dir=data_dir, seed=recipe["seed"])
    seed = recipe["seed"] if seed is None else seed
    figures = split_figures(run.load_best(), splits, split, seed=seed, progress=progress)
    run.write_json(run.metrics, run.read_metrics() | figures)
    return figures


def split_figures(flow, splits, split, *, seed, progress) -> dict:
    """What metrics.json says of a flow on one split."""
    evaluate, quantity, kind = (
        (evaluate_log_likelihood, "log_likelihood_nats", "points")
        if splits.bins is None
        else (evaluate_bits_per_dim, "bits_per_dim", "images")
    )
    result = evaluate(flow, getattr(splits, split), seed=seed, progress=progress)
    return {
        f"{split}_{quantity}": result.mean,
        f"{split}_{quantity}_standard_error": result.standard_error,
        f"{split}_{kind}": result.examples,
        f"{split}_log_det": result.estimator,
        "dimension": result.dimension,
    } | ({} if result.bins is None else {"bins": result.bins})
