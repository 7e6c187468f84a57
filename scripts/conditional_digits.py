"""Digits drawn by label, and told apart by p(x | c): `python scripts/conditional_digits.py`."""

import json

import keras
import numpy as np
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.analysis import pictures
from keras_iresnet.data import digits


def error_percent(flow, images, labels, passes=4):
    """Share of images whose label does not have the largest p(x | c), averaged over noise that the classes share."""
    estimator = ki.SeriesLogDet(num_terms=8, num_probes=2)

    @tf.function(autograph=False)
    def log_prob(label, seed):
        return flow.log_prob(images, seed, estimator, condition=tf.fill([len(images)], label))

    nats = [[log_prob(tf.constant(c), tf.constant([s, 7])).numpy() for c in range(10)] for s in range(passes)]
    return 100 * float(np.mean(np.logaddexp.reduce(nats).argmax(0) != labels))


def run(blocks=(4, 4), channels=32, epochs=30, batch_size=64, limit=None, seed=0, out=None):
    """Train on the training split; bits/dim there in the last epoch, and the error on the test split."""
    keras.utils.set_random_seed(seed)
    images, labels = digits.load_arrays()
    train, _, test = (part[:limit] for part in digits.split_indices(labels))
    flow = ki.zoo.digits_flow(blocks=blocks, channels=channels, conditional=True, seed=seed)
    steps = epochs * (len(train) // batch_size)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=0.015, warmup_steps=min(20, steps // 10))
    flow.compile(keras.optimizers.Adamax(rate))
    history = flow.fit(images[train], labels[train], batch_size=batch_size, epochs=epochs, verbose=0)
    if out:
        rows = flow.to_images(flow.sample(condition=np.repeat(np.arange(10), 10), seed=seed))
        pictures.save_image(pictures.grid(rows.numpy(), bins=digits.BINS, columns=10), out)
    error = error_percent(flow, images[test], labels[test])
    return {"train_bits_per_dim": history.history["bits_per_dim"][-1], "test_error_percent": error}


if __name__ == "__main__":
    print(json.dumps(run(out="conditional_digits.png")))
