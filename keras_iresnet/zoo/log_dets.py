"""The estimator of log-determinants that a builder's plain keywords ask for."""

from keras_iresnet.ops.log_det import ExactLogDet, LogDetEstimator, MixedSeriesLogDet, SeriesLogDet
from keras_iresnet.ops.roulette import RouletteLogDet

LOG_DETS = ("series", "mixed_series", "roulette", "exact")


def estimator_from(
    log_det: str | LogDetEstimator,
    *,
    num_terms: int = SeriesLogDet.num_terms,
    num_probes: int = SeriesLogDet.num_probes,
) -> LogDetEstimator:
    """The estimator of a builder's keywords.

    Args:
        log_det: `"series"`; `"mixed_series"`, which computes all but what carries the gradient in bfloat16;
            `"roulette"`, unbiased, with a rate that goes by each branch's bound; `"exact"`; or any estimator.
        num_terms: of the series.
        num_probes: of the series and the roulette.

    Raises:
        ValueError: another name, or counts that cannot be.

    Example:
    >>> from keras_iresnet.zoo.log_dets import estimator_from
    >>> estimator_from("roulette", num_terms=5, num_probes=2)
    RouletteLogDet(exact_terms=2, rate=None, max_terms=None, num_probes=2)
    """
    series = SeriesLogDet(num_terms, num_probes)
    if log_det == "series":
        return series
    if log_det == "mixed_series":
        return MixedSeriesLogDet(num_terms, num_probes)
    if log_det == "roulette":
        return RouletteLogDet(num_probes=num_probes)
    if log_det == "exact":
        return ExactLogDet()
    if isinstance(log_det, str) or not callable(log_det):
        raise ValueError(f"`log_det` must be one of {LOG_DETS}, or an estimator. Received: log_det={log_det!r}")
    return log_det
