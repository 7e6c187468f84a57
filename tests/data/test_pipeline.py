import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.data import batches


def numbers(n):
    return tf.data.Dataset.range(n)


def one_pass(dataset):
    return [batch.tolist() for batch in dataset.as_numpy_iterator()]


def flat(dataset):
    return [number for batch in one_pass(dataset) for number in batch]


def test_last_partial_batch_is_kept_unless_dropped():
    kept, dropped = batches(numbers(10), 4), batches(numbers(10), 4, drop_remainder=True)
    assert one_pass(kept) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert one_pass(dropped) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert (len(kept), len(dropped)) == (3, 2)
    assert dropped.element_spec.shape == (4,)


@pytest.mark.parametrize("shuffle", [False, True])
def test_limit_takes_the_first_examples_of_the_split(shuffle):
    limited = batches(numbers(10), 4, shuffle=shuffle, seed=0, limit=6)
    assert sorted(flat(limited)) == list(range(6))
    assert len(limited) == 2
    assert len(batches(numbers(10), 4, limit=100)) == 3


def test_batches_keep_shape_and_dtype():
    images = np.random.default_rng(0).integers(17, size=(5, 8, 8, 1), dtype=np.uint8)
    (batch,) = batches(tf.data.Dataset.from_tensor_slices(images), 8)
    assert batch.dtype == tf.uint8
    np.testing.assert_array_equal(batch, images)


def test_order_is_new_in_each_epoch_and_follows_from_the_seed():
    dataset = batches(numbers(1000), 64, shuffle=True, seed=5)
    epochs = [flat(dataset) for _ in range(3)]
    assert all(sorted(epoch) == list(range(1000)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    again = batches(numbers(1000), 64, shuffle=True, seed=5)
    assert [flat(again) for _ in range(3)] == epochs
    assert flat(batches(numbers(1000), 64, shuffle=True, seed=6)) != epochs[0]


def test_without_a_seed_orders_differ():
    first, second = (flat(batches(numbers(1000), 64, shuffle=True)) for _ in range(2))
    assert first != second


def test_shuffling_mixes_the_whole_split():
    # The mean of 100 numbers drawn without replacement from 0..9999 has a standard deviation of 287.
    first = next(iter(batches(numbers(10_000), 100, shuffle=True, seed=0)))
    assert abs(first.numpy().mean() - 4999.5) < 4 * 287


@pytest.mark.parametrize("shuffle", [False, True])
def test_source_is_read_once(shuffle):
    reads = []

    def generate():
        reads.append("pass")
        yield from range(10)

    source = tf.data.Dataset.from_generator(generate, output_signature=tf.TensorSpec((), tf.int64))
    dataset = batches(source.apply(tf.data.experimental.assert_cardinality(10)), 4, shuffle=shuffle, seed=0)
    for _ in range(3):
        assert sorted(flat(dataset)) == list(range(10))
    assert reads == ["pass"]


@pytest.mark.parametrize(
    ("split", "options", "message"),
    [
        (numbers(10), {"batch_size": 0}, "`batch_size` must be at least 1. Received: batch_size=0"),
        (numbers(10), {"batch_size": 4, "limit": 0}, "`limit` must be at least 1. Received: limit=0"),
        (numbers(10), {"batch_size": 11, "drop_remainder": True}, "at most the number of examples, 10.*batch_size=11"),
        (numbers(10).repeat(), {"batch_size": 4}, "known, finite size.*size=infinite"),
        (numbers(10).filter(lambda i: i > 3), {"batch_size": 4}, "known, finite size.*size=unknown"),
        (numbers(0), {"batch_size": 4}, "at least 1 example. Received: size=0"),
    ],
)
def test_bad_input_is_refused(split, options, message):
    with pytest.raises(ValueError, match=message):
        batches(split, **options)
