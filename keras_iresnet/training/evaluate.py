"""Evaluates the best checkpoint of a run."""

import math

from keras_iresnet import data
from keras_iresnet.analysis.evaluation import evaluate_bits_per_dim
from keras_iresnet.analysis.log_likelihood import evaluate_log_likelihood
from keras_iresnet.training.run_folder import RunFolder

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
        **protocol: for images, `bias`, `standard_error`, `num_terms`, `max_passes`, as for `evaluate_bits_per_dim`.

    Returns:
        The split's figures, as metrics.json names them: `"test_bits_per_dim"` or `"test_log_likelihood_nats"`, the
        standard error of it, the number of examples, and how log-determinants were taken; for images, also the
        parts of the standard error, the bound of the bias (`None` where none is certified), terms and probes.

    Raises:
        ValueError: no run folder, no such split, or a protocol for a run on points.
        OSError: the data cannot be read, or the folder not be written.
    """
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received: split={split!r}")
    run = RunFolder.open(path)
    recipe = run.read_config()["recipe"]
    splits = data.load(recipe["dataset"], data_dir=data_dir, seed=recipe["seed"])
    seed = recipe["seed"] if seed is None else seed
    figures = split_figures(run.load_best(), splits, split, seed=seed, progress=progress, **protocol)
    run.write_json(run.metrics, run.read_metrics() | figures)
    return figures


def split_figures(flow, splits, split, *, seed, progress, **protocol) -> dict:
    """What metrics.json says of a flow on one split; `protocol` as for `evaluate_run`."""
    examples = getattr(splits, split)
    if splits.bins is not None:
        return _image_figures(evaluate_bits_per_dim(flow, examples, seed=seed, progress=progress, **protocol), split)
    if protocol:
        raise ValueError(f"Points have no options of evaluation. Received: {', '.join(protocol)}")
    result = evaluate_log_likelihood(flow, examples, seed=seed, progress=progress)
    return {
        f"{split}_log_likelihood_nats": result.mean,
        f"{split}_log_likelihood_nats_standard_error": result.standard_error,
        f"{split}_points": result.examples,
        f"{split}_log_det": result.estimator,
        "dimension": result.dimension,
    }


def _image_figures(result, split):
    name = f"{split}_bits_per_dim"
    return {
        name: result.mean,
        f"{name}_standard_error": result.standard_error,
        f"{name}_image_standard_error": result.image_standard_error,
        f"{name}_dequantization_standard_error": result.dequantization_standard_error,
        f"{name}_probe_standard_error": result.probe_standard_error,
        f"{name}_bias_bound": result.bias_bound if math.isfinite(result.bias_bound) else None,  # JSON has no infinity
        f"{split}_num_terms": result.num_terms,
        f"{split}_num_probes": result.num_probes,
        f"{split}_num_noises": result.num_noises,
        f"{split}_images": result.images,
        f"{split}_log_det": result.estimator,
        "dimension": result.dimension,
        "bins": result.bins,
    }
