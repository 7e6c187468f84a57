"""The authors' CIFAR flow at its full size takes a training step on images as TFDS delivers them."""

import math

import keras
import numpy as np
import pytest
import tensorflow_datasets as tfds

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.data import tfds_images


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_cifar_flow_takes_a_training_step(monkeypatch):
    count = 4
    expected = tfds_images.ImageSet((32, 32, 3), train=count, test=count, validation=count)
    monkeypatch.setitem(tfds_images.IMAGE_SETS, "cifar10", expected)
    monkeypatch.setattr(tfds_images, "_prepared_builder", lambda name, _: tfds.builder(name))
    monkeypatch.setattr(tfds_images, "_images", lambda builder, split, read=tfds_images._images: read(builder, "train"))
    with tfds.testing.mock_data(num_examples=count):
        images = np.stack(list(data.load("cifar10").train))
    flow = ki.zoo.cifar_flow(seed=0)
    assert sum(math.prod(weight.shape) for weight in flow.trainable_weights) == 25_028_544
    flow.compile(keras.optimizers.Adamax(1e-3))
    flow.initialize(images)
    before = [weight.numpy() for weight in flow.trainable_weights]
    history = flow.fit(images, batch_size=count, epochs=1, verbose=0)
    assert np.isfinite(history.history["bits_per_dim"][0])
    moved = [np.any(old != weight.numpy()) for old, weight in zip(before, flow.trainable_weights, strict=True)]
    assert all(moved)
