"""The prior that a builder's plain keywords ask for: what a command line and a run's settings can say."""

from keras_iresnet.priors.diagonal_normal import DiagonalNormal
from keras_iresnet.priors.factor_analyzers import FactorAnalyzers
from keras_iresnet.priors.normal_mixture import NormalMixture
from keras_iresnet.priors.prior import Prior, check_count
from keras_iresnet.priors.standard_normal import StandardNormal
from keras_iresnet.priors.student_t import StudentT

TAILS = ("normal", "student")


def from_keywords(
    *,
    learned_prior: bool = True,
    trained_prior: bool = True,
    prior_components: int = 1,
    prior_factors: int = 0,
    prior_tails: str = "normal",
) -> Prior:
    """The prior of the zoo's keywords.

    Args:
        learned_prior: whether there is anything to learn; `False` is a `StandardNormal`.
        trained_prior: whether training moves the prior on from where the first examples put it.
        prior_components: how many Gaussians; above 1 a `NormalMixture`.
        prior_factors: how many wide directions each has; above 0 `FactorAnalyzers`.
        prior_tails: `"normal"`, or `"student"` for a `StudentT` in the place of one Gaussian.

    Raises:
        ValueError: numbers that cannot be, or a fixed prior of several components or with factors.

    Example:
    >>> from keras_iresnet.priors import from_keywords
    >>> type(from_keywords(prior_components=10, prior_factors=4)).__name__
    'FactorAnalyzers'
    """
    check_count("prior_components", prior_components, 1)
    check_count("prior_factors", prior_factors, 0)
    if prior_tails not in TAILS:
        raise ValueError(f"`prior_tails` must be one of {TAILS}. Received: prior_tails={prior_tails!r}")
    if prior_tails == "student":
        if prior_components > 1 or prior_factors or not learned_prior:
            raise ValueError(
                "`prior_tails='student'` is of one learned component without factors. "
                f"Received: {prior_components=}, {prior_factors=}, {learned_prior=}"
            )
        return StudentT(trainable=trained_prior)
    if not learned_prior:
        for name, value, least in (("prior_components", prior_components, 1), ("prior_factors", prior_factors, 0)):
            if value > least:
                raise ValueError(
                    f"`{name}` above {least} need a learned prior: a fixed one has nothing to tell them apart. "
                    f"Received: {name}={value}, learned_prior=False"
                )
        return StandardNormal()
    if prior_factors:
        return FactorAnalyzers(prior_components, prior_factors, trainable=trained_prior)
    if prior_components > 1:
        return NormalMixture(prior_components, trainable=trained_prior)
    return DiagonalNormal(trainable=trained_prior)
