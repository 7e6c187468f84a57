"""Digits drawn by label, and told apart by p(x | c): `python scripts/conditional_digits.py`."""

import json

import keras
import numpy as np

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.evaluation import pictures
from keras_iresnet.evaluation.classification import evaluate_classifier
from keras_iresnet.evaluation.likelihood_classifier import LikelihoodClassifier


def run(blocks=(4, 4), channels=32, epochs=30, batch_size=64, limit=-1, seed=0, out=None):
    """Train on the training split; bits/dim there in the last epoch, and the error on the test split."""
    keras.utils.set_random_seed(seed)
    splits = data.load("digits", labels=True)
    train = data.batches(splits.train.take(limit), batch_size, shuffle=True, seed=seed, drop_remainder=True)
    flow = ki.zoo.digits_flow(blocks=blocks, channels=channels, conditional=True, seed=seed)
    steps = epochs * len(train)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=0.015, warmup_steps=min(20, steps // 10))
    flow.compile(keras.optimizers.Adamax(rate))
    history = flow.fit(train, epochs=epochs, verbose=0)
    if out:
        rows = flow.to_images(flow.sample(condition=np.repeat(np.arange(10), 10), seed=seed))
        pictures.save_image(pictures.grid(rows.numpy(), bins=flow.bins, columns=10), out)
    error = evaluate_classifier(LikelihoodClassifier(flow, seed=seed), splits.test).error_percent
    return {"train_bits_per_dim": history.history["bits_per_dim"][-1], "test_error_percent": error}


if __name__ == "__main__":
    print(json.dumps(run(out="conditional_digits.png")))
