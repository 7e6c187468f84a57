"""What is timed: compiled functions, of a hundred examples whatever the data have."""

import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet import data, zoo
from keras_iresnet.comparison.timings import COLUMNS, EXAMPLES, timings_of

POINTS = np.random.default_rng(0).normal(size=(18, 3)).astype("float32")
ROWS = tf.data.Dataset.from_tensor_slices(POINTS)
SPLITS = data.Splits("x", train=ROWS, validation=ROWS, test=ROWS, event_shape=(3,), bins=None)


class Noting(ki.Flow):
    """Notes of each inverse whether it runs eagerly, and of how many examples it is."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.noted = []

    def inverse_and_report(self, z, **options):
        """As the flow's."""
        self.noted.append((tf.executing_eagerly(), z.shape[0]))
        return super().inverse_and_report(z, **options)


def test_samples_and_inverses_are_compiled_and_of_a_hundred_examples():
    layer = ki.baselines.maf((3,), blocks=1, units=(4,), seed=0).layer
    flow = Noting(layer, (3,), seed=0)
    flow.initialize(POINTS)
    recipe = zoo.get("tabular_flow").recipe
    found = timings_of({"maf": flow}, SPLITS, recipe, pairs=3)
    assert set(found["maf"]) == set(COLUMNS)
    assert all(0 < value < 1e5 for value in found["maf"].values())
    # Traced once each, though called four times.
    assert flow.noted == [(False, EXAMPLES), (False, EXAMPLES)]


@pytest.mark.parametrize("name", ["maf", "ffjord"])
def test_eager_inverses_of_what_iterates_are_compiled(name):
    flow = getattr(ki.baselines, name)((3,), blocks=1, units=(4,), seed=0)
    flow.initialize(POINTS)
    for weight in flow.trainable_weights:
        weight.assign_add(0.3 * np.random.default_rng(1).normal(size=weight.shape))
    z = flow.forward(POINTS)
    assert np.abs(z - POINTS).max() > 0.1
    np.testing.assert_allclose(flow.inverse(z), POINTS, atol=1e-3)
    assert len(flow.layer._inverse_programs.by_settings) == 1
    for weight in flow.trainable_weights:  # what is compiled sees later weights
        weight.assign_add(0.1 * np.random.default_rng(2).normal(size=weight.shape))
    np.testing.assert_allclose(flow.inverse(flow.forward(POINTS)), POINTS, atol=1e-3)
    assert len(flow.layer._inverse_programs.by_settings) == 1
