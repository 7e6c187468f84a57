"""A density p(x | c) as a classifier, by Bayes' rule."""

import tensorflow as tf

from keras_iresnet.analysis.evaluation import ImageEvaluator
from keras_iresnet.analysis.passes import draw_seed


class LikelihoodClassifier:
    """Tells classes apart by log p(x | c), all of them equally likely before one sees the image.

    To be handed to `evaluate_classifier`. The log-determinants are taken as `evaluate_bits_per_dim` does; noise and
    probes are the same for all classes.

    Args:
        flow: a `Flow` of images with a `condition_size`.
        seed: of noise and probes.

    Raises:
        ValueError: the flow is one of p(x).

    Example:
    >>> import keras_iresnet as ki
    >>> import numpy as np
    >>> from keras_iresnet.analysis.likelihood_classifier import LikelihoodClassifier
    >>> flow = ki.zoo.digits_flow(blocks=(1,), channels=4, conditional=True)
    >>> LikelihoodClassifier(flow).logits(np.zeros((3, 8, 8, 1), np.uint8)).shape
    TensorShape([3, 10])
    """

    def __init__(self, flow, *, seed=0):
        if flow.condition_size is None:
            raise ValueError("`flow` must be one of p(x | c). Received: condition_size=None")
        self.num_classes = flow.condition_size
        self._flow = flow
        self._log_prob = tf.function(ImageEvaluator(flow).log_prob, autograph=False)
        self._seeds = draw_seed(seed, 0), draw_seed(seed, 1)

    def logits(self, images):
        """Integer images (batch, height, width, channels) -> log p(x | c) (batch, classes), nats."""

        def log_prob(label):
            return self._log_prob(images, *self._seeds, tf.fill(tf.shape(images)[:1], label))

        classes, dtype = tf.range(self.num_classes), self._flow.stream_dtype
        return tf.transpose(tf.map_fn(log_prob, classes, fn_output_signature=dtype))
