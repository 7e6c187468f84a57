"""What metrics.json says of a flow."""

import math
from collections.abc import Mapping
from typing import Any

from keras_iresnet import data
from keras_iresnet.evaluation.bits_per_dim import evaluate_bits_per_dim
from keras_iresnet.evaluation.log_likelihood import evaluate_log_likelihood
from keras_iresnet.evaluation.protocol import check_protocol
from keras_iresnet.models import Flow


def density_figures(flow: Flow, splits: data.Splits, split: str, *, seed: int, progress: bool, **protocol: Any) -> dict:
    """The figures of one split; `protocol` as for `evaluate_run`."""
    examples = getattr(splits, split)
    if splits.bins is not None:
        options = {"seed": seed, "progress": progress, **protocol}
        figures = _image_figures(evaluate_bits_per_dim(flow, examples, **options), split)
        if flow.dequantizer is not None:
            bound = evaluate_bits_per_dim(flow, examples, dequantization="variational", **options)
            figures |= _bound_figures(bound, split)
        return figures
    check_density_protocol(protocol, points=True)
    result = evaluate_log_likelihood(flow, examples, seed=seed, progress=progress)
    return {
        f"{split}_log_likelihood_nats": result.mean,
        f"{split}_log_likelihood_nats_standard_error": result.standard_error,
        f"{split}_points": result.examples,
        f"{split}_log_det": result.estimator,
        "dimension": result.dimension,
    }


def check_density_protocol(protocol: Mapping[str, Any], *, points: bool) -> None:
    """Refuse options of an evaluation that cannot be, or any for points."""
    if points and protocol:
        raise ValueError(f"Points have no options of evaluation. Received: {', '.join(protocol)}")
    check_protocol(**protocol)


def _bound_figures(result, split):
    """Of a variational bound, whose expectation is at least the bits of the images: beside the others, by its name."""
    name = f"{split}_variational_bits_per_dim_bound"
    return {
        name: result.mean,
        f"{name}_standard_error": result.standard_error,
        f"{name}_bias_bound": result.bias_bound if math.isfinite(result.bias_bound) else None,
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
        f"{split}_num_products": result.num_products,
        f"{split}_images": result.images,
        f"{split}_log_det": result.estimator,
        "dimension": result.dimension,
        "bins": result.bins,
    }
