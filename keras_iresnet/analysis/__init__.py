"""What a trained model is worth: certificates, likelihoods with error bars, studies and pictures."""

from keras_iresnet.analysis.certificate import Certificate, certify
from keras_iresnet.analysis.evaluation import ImageEvaluation, evaluate_bits_per_dim
from keras_iresnet.analysis.log_likelihood import Evaluation, evaluate_log_likelihood

__all__ = [
    "Certificate",
    "Evaluation",
    "ImageEvaluation",
    "certify",
    "evaluate_bits_per_dim",
    "evaluate_log_likelihood",
]
