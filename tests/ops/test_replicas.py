import types

import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.ops.dequantize import dequantize
from keras_iresnet.ops.log_det import rademacher
from keras_iresnet.ops.maps import Mask
from keras_iresnet.ops.replicas import draw_rows


def _on_replicas(monkeypatch, count, compute):
    """What each of `count` replicas computes from its index."""
    results = []
    for index in range(count):
        context = types.SimpleNamespace(num_replicas_in_sync=count, replica_id_in_sync_group=tf.constant(index))
        monkeypatch.setattr(tf.distribute, "get_replica_context", lambda context=context: context)
        results.append(np.array(compute(index)))
    monkeypatch.undo()
    return results


def _uniform(shape):
    return tf.random.stateless_uniform(shape, (3, 4))


@pytest.mark.parametrize("axis", [0, 1])
def test_replicas_share_what_one_device_draws(monkeypatch, axis):
    whole = np.array(draw_rows(_uniform, tf.constant([6, 12, 5]), axis))
    part = [6, 12, 5]
    part[axis] //= 3
    parts = _on_replicas(monkeypatch, 3, lambda index: draw_rows(_uniform, tf.constant(part), axis))
    np.testing.assert_array_equal(np.concatenate(parts, axis), whole)


def test_outside_of_a_replica_everything_is_drawn(monkeypatch):
    monkeypatch.setattr(tf.distribute, "get_replica_context", lambda: None)
    np.testing.assert_array_equal(draw_rows(_uniform, tf.constant([2, 3])), _uniform((2, 3)))


@pytest.mark.parametrize("num_probes", [1, 3])
def test_an_example_has_the_same_probes_on_any_number_of_replicas(monkeypatch, num_probes):
    x = tf.zeros((4, 5, 5, 2))
    whole = np.reshape(rademacher((1, 2), num_probes, x), (num_probes, 4, 5, 5, 2))
    parts = _on_replicas(monkeypatch, 2, lambda index: rademacher((1, 2), num_probes, x[:2]))
    parts = [part.reshape(num_probes, 2, 5, 5, 2) for part in parts]
    np.testing.assert_array_equal(np.concatenate(parts, 1), whole)
    assert (parts[0] != parts[1]).mean() > 0.3


def test_an_example_has_the_same_noise_and_dropout_on_any_number_of_replicas(monkeypatch):
    images = tf.reshape(tf.range(4 * 64) % 17, (4, 8, 8, 1))
    for compute in (
        lambda images: dequantize(images, (1, 2), bins=17),
        lambda images: Mask(0.5, tf.constant([1, 2]))(1.0 + tf.cast(images, tf.float32)),
    ):
        whole = np.array(compute(images))
        parts = _on_replicas(monkeypatch, 2, lambda index, compute=compute: compute(images[2 * index :][:2]))
        np.testing.assert_array_equal(np.concatenate(parts), whole)
