"""A density p(x | c) as a classifier, by Bayes' rule."""

import math
from typing import Any

import tensorflow as tf

from keras_iresnet.evaluation.batchwise import draw_seed
from keras_iresnet.evaluation.log_likelihood import EXACT_DIMENSION
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import ExactLogDet


class LikelihoodClassifier:
    """Tells classes apart by log p(k | c) of integer images k, all classes equally likely before one sees the image.

    p(k | c) is the mean of p(x | c) over the dequantization noise, of which all classes see the same draws, as they see
    the same probes. Log-determinants are exact up to 128 dimensions, beyond that as in training. To be handed to
    `evaluate_classifier`: each image costs `num_noises` evaluations for each class.

    Args:
        flow: a `Flow` of images with a `condition_size`.
        num_noises: draws of the noise, at least 1.
        seed: of noise and probes.

    Raises:
        ValueError: the flow is one of p(x), or `num_noises` cannot be.

    Example:
    >>> import keras_iresnet as ki
    >>> import numpy as np
    >>> from keras_iresnet.evaluation.likelihood_classifier import LikelihoodClassifier
    >>> flow = ki.zoo.digits_flow(blocks=(1,), channels=4, conditional=True)
    >>> LikelihoodClassifier(flow, num_noises=1).logits(np.zeros((3, 8, 8, 1), np.uint8)).shape
    TensorShape([3, 10])
    """

    def __init__(self, flow: Flow, *, num_noises: int = 4, seed: int = 0) -> None:
        if flow.condition_size is None:
            raise ValueError("`flow` must be one of p(x | c). Received: condition_size=None")
        if num_noises < 1:
            raise ValueError(f"`num_noises` must be at least 1. Received: num_noises={num_noises}")
        self.num_classes, self.num_noises = flow.condition_size, num_noises
        self._dtype = flow.stream_dtype
        self._seeds = tf.stack([draw_seed(seed, draw) for draw in range(num_noises)])
        estimator = ExactLogDet() if flow.dimension <= EXACT_DIMENSION else None

        def log_prob(images, seed, labels):
            return flow.log_prob(images, seed, estimator=estimator, condition=labels)

        self._log_prob = tf.function(log_prob, autograph=False)

    def logits(self, images: Any) -> tf.Tensor:
        """Integer images (batch, height, width, channels) -> log p(k | c) (batch, classes), nats in data space."""
        seeds = tf.repeat(self._seeds, self.num_classes, 0)
        classes = tf.tile(tf.range(self.num_classes), [self.num_noises])

        def log_prob(draw):
            return self._log_prob(images, draw[0], tf.fill(tf.shape(images)[:1], draw[1]))

        nats = tf.map_fn(log_prob, (seeds, classes), fn_output_signature=self._dtype)
        nats = tf.reshape(nats, (self.num_noises, self.num_classes, tf.shape(images)[0]))
        return tf.transpose(tf.reduce_logsumexp(nats, 0) - math.log(self.num_noises))
