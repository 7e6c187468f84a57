"""To which precision bits/dim are evaluated: the defaults, and what cannot be."""

from keras_iresnet.ops.log_det import SeriesLogDet

DEFAULT_BIAS = 1e-4
DEFAULT_STANDARD_ERROR = 1e-3
DEFAULT_MAX_PASSES = 100


def check_protocol(
    *,
    bias: float = DEFAULT_BIAS,
    standard_error: float = DEFAULT_STANDARD_ERROR,
    num_terms: int | None = None,
    max_passes: int = DEFAULT_MAX_PASSES,
) -> None:
    """Refuse what `evaluate_bits_per_dim` could not keep to, before there is a model or an image.

    Args:
        bias: bits/dim, as for `evaluate_bits_per_dim`; so are the others.
        standard_error: bits/dim.
        num_terms: of the series.
        max_passes: over all images.

    Raises:
        ValueError: one of them cannot be.

    Example:
    >>> from keras_iresnet.evaluation.protocol import check_protocol
    >>> check_protocol(num_terms=10)
    >>> check_protocol(bias=0)
    Traceback (most recent call last):
    ValueError: `bias` must be positive. Received: bias=0
    """
    if not bias > 0:
        raise ValueError(f"`bias` must be positive. Received: bias={bias!r}")
    if not standard_error > 0:
        raise ValueError(f"`standard_error` must be positive. Received: standard_error={standard_error!r}")
    if num_terms is not None:
        SeriesLogDet(num_terms)  # which refuses what is no number of terms
    if not isinstance(max_passes, int) or max_passes < 1:
        raise ValueError(f"`max_passes` must be an integer of at least 1. Received: max_passes={max_passes!r}")
