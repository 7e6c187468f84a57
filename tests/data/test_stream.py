import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.data import Stream, augment


def numbers(n):
    return tf.data.Dataset.range(n)


def first(dataset, count):
    return [batch.tolist() for batch in dataset.take(count).as_numpy_iterator()]


def test_epochs_are_orders_of_the_split_without_the_partial_batch():
    stream = Stream(numbers(103), 10, seed=5)
    assert stream.steps_per_epoch == 10
    batches = np.array(first(stream.at(), 30)).reshape(3, 100)
    assert all(len(set(epoch)) == 100 for epoch in batches.tolist())
    assert len({tuple(epoch) for epoch in batches.tolist()}) == 3
    assert np.any(np.sort(batches[0]) != np.sort(batches[1]))  # not always the same three are left out


def test_order_follows_from_the_seed_alone():
    batches = first(Stream(numbers(100), 10, seed=5).at(), 25)
    tf.random.set_seed(77)
    assert first(Stream(numbers(100), 10, seed=5).at(), 25) == batches
    assert first(Stream(numbers(100), 10, seed=6).at(), 25) != batches


def test_order_is_uniform():
    # The first example of an epoch of 10, over 400 epochs: 40 of each, with a standard deviation of 6.
    starts = [batch[0] for batch in first(Stream(numbers(10), 10, seed=1).at(), 400)]
    counts = np.bincount(starts, minlength=10)
    assert abs(counts - 40).max() < 4 * 6


@pytest.mark.parametrize("step", [0, 3, 5, 14])
def test_a_stream_entered_anywhere_gives_what_comes_there(step):
    images = np.random.default_rng(0).integers(17, size=(53, 8, 8, 1), dtype=np.uint8)
    stream = Stream(tf.data.Dataset.from_tensor_slices(images), 10, seed=3, augmentation="shift")
    whole = list(stream.at().take(20).as_numpy_iterator())
    entered = list(stream.at(step=step).take(5).as_numpy_iterator())
    np.testing.assert_array_equal(entered, whole[step:][:5])


def test_augmentation_is_new_for_each_batch_and_leaves_labels_alone():
    images = np.broadcast_to(np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1), (20, 8, 8, 1))
    split = tf.data.Dataset.from_tensor_slices((images, np.arange(20)))
    stream = Stream(split, 20, seed=3, augmentation="shift_flip")
    (first_images, first_labels), (second_images, second_labels) = stream.at().take(2).as_numpy_iterator()
    assert sorted(first_labels) == sorted(second_labels) == list(range(20))
    assert (first_images != second_images).mean() > 0.1
    possible = augment(tf.constant(np.repeat(images, 500, 0)), "shift_flip", seed=(0, 0)).numpy()
    assert {image.tobytes() for image in first_images} <= {image.tobytes() for image in possible}


def test_source_is_read_once():
    reads = []

    def generate():
        reads.append("pass")
        yield from range(10)

    source = tf.data.Dataset.from_generator(generate, output_signature=tf.TensorSpec((), tf.int64))
    stream = Stream(source.apply(tf.data.experimental.assert_cardinality(10)), 5, seed=0)
    assert sorted(np.ravel(first(stream.at(), 2))) == list(range(10))
    assert sorted(np.ravel(first(stream.at(step=2), 2))) == list(range(10))
    assert reads == ["pass"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "1 to the number of examples, 10.*batch_size=0"),
        ({"batch_size": 11}, "1 to the number of examples, 10.*batch_size=11"),
        ({"batch_size": 2, "augmentation": "shift"}, "needs a split of images"),
        ({"batch_size": 2, "augmentation": "turn"}, "augmentation='turn'"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Stream(numbers(10), seed=0, **options)


def test_a_negative_step_is_refused():
    with pytest.raises(ValueError, match=r"`step` must be at least 0. Received: step=-1"):
        Stream(numbers(10), 2, seed=0).at(step=-1)
