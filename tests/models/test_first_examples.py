import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.models.first_examples import first_examples

DATA = np.arange(20, dtype="float32")[:, None]


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return (DATA[4 * index : 4 * index + 4], np.zeros(4))


SOURCES = {
    "data set": lambda: tf.data.Dataset.from_tensor_slices(DATA).batch(4),
    "labelled data set": lambda: tf.data.Dataset.from_tensor_slices((DATA, np.zeros(20))).batch(4),
    "PyDataset": Batches,
    "generator": lambda: (DATA[i : i + 4] for i in range(0, 20, 4)),
    "labelled generator": lambda: ((DATA[i : i + 4], None) for i in range(0, 20, 4)),
}


def rows(x):
    batches = [x[i] for i in range(len(x))] if isinstance(x, keras.utils.PyDataset) else x
    return np.concatenate([batch[0] if isinstance(batch, tuple) else batch for batch in batches])


@pytest.mark.parametrize("name", SOURCES)
def test_first_examples_are_taken_and_none_is_lost(name):
    examples, rest = first_examples(SOURCES[name](), 10)
    np.testing.assert_array_equal(examples, DATA[:10])
    np.testing.assert_array_equal(rows(rest), DATA)


@pytest.mark.parametrize("kind", [np.asarray, tf.constant])
def test_examples_of_an_array_are_drawn_from_all_of_it(kind):
    examples, rest = first_examples(kind(DATA), 10)
    drawn = np.ravel(examples)
    assert len(set(drawn)) == 10
    assert set(drawn) <= set(np.ravel(DATA))
    assert drawn.max() > 10  # sorted data would otherwise give its first part alone
    np.testing.assert_array_equal(rest, DATA)


def test_a_distributed_data_set_is_refused():
    x = tf.distribute.MirroredStrategy(["CPU:0"]).experimental_distribute_dataset(SOURCES["data set"]())
    with pytest.raises(ValueError, match=r"call its `initialize` .*Received: x=DistributedDataset"):
        first_examples(x, 10)


@pytest.mark.parametrize("name", ["data set", "generator"])
def test_all_are_taken_where_there_are_too_few(name):
    examples, rest = first_examples(SOURCES[name](), 100)
    np.testing.assert_array_equal(examples, DATA)
    np.testing.assert_array_equal(rows(rest), DATA)
    assert len(first_examples(DATA, 100)[0]) == 20


class Endless(Batches):
    """Without a length, as Keras lets one be that never ends."""

    num_batches = None

    def __getitem__(self, index):
        return (DATA[4 * (index % 5) : 4 * (index % 5) + 4],)


def test_a_source_without_a_length_is_taken():
    examples, rest = first_examples(Endless(), 30)
    np.testing.assert_array_equal(examples, np.concatenate([DATA, DATA[:10]]))
    assert isinstance(rest, Endless)
