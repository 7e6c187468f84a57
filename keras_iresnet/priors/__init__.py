"""What latents follow: densities that are evaluated, sampled and set from data.

Imported by `models`, `zoo` and users; knows `layers` and `ops`.
"""

from keras_iresnet.priors.diagonal_normal import DiagonalNormal
from keras_iresnet.priors.factor_analyzers import FactorAnalyzers
from keras_iresnet.priors.from_keywords import from_keywords
from keras_iresnet.priors.given import as_prior
from keras_iresnet.priors.normal_mixture import NormalMixture
from keras_iresnet.priors.prior import Prior
from keras_iresnet.priors.standard_normal import StandardNormal
from keras_iresnet.priors.student_t import StudentT

__all__ = [
    "DiagonalNormal",
    "FactorAnalyzers",
    "NormalMixture",
    "Prior",
    "StandardNormal",
    "StudentT",
    "as_prior",
    "from_keywords",
]
