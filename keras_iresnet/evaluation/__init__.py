"""What a model is worth: certificates, likelihoods with error bars, errors of classes, reconstructions, pictures.

Knows models and all below them, and no run or data set; imported by `runs` and what lies above it, and by users.
"""

from keras_iresnet.evaluation.bits_per_dim import evaluate_bits_per_dim
from keras_iresnet.evaluation.certificate import Certificate, certify
from keras_iresnet.evaluation.certification import Certification
from keras_iresnet.evaluation.contraction import Contraction, contract
from keras_iresnet.evaluation.image_evaluation import ImageEvaluation
from keras_iresnet.evaluation.log_likelihood import Evaluation, evaluate_log_likelihood

__all__ = [
    "Certificate",
    "Certification",
    "Contraction",
    "Evaluation",
    "ImageEvaluation",
    "certify",
    "contract",
    "evaluate_bits_per_dim",
    "evaluate_log_likelihood",
]
