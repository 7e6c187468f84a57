"""What a trained model is worth: likelihoods with error bars, and pictures."""

from keras_iresnet.analysis.evaluation import Evaluation, evaluate_bits_per_dim, evaluate_log_likelihood

__all__ = ["Evaluation", "evaluate_bits_per_dim", "evaluate_log_likelihood"]
