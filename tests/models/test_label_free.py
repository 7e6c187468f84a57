import keras
import numpy as np
import pytest
import small_flows

from keras_iresnet.models.label_free import without_missing_labels

POINTS = small_flows.points(32)


class Pairs(keras.utils.PyDataset):
    """Points in batches of 8, with `None` where labels would be."""

    begun = ended = 0

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return POINTS[8 * index : 8 * index + 8], None

    def on_epoch_begin(self):
        self.begun += 1

    def on_epoch_end(self):
        self.ended += 1


def test_a_source_of_points_without_labels_is_fitted_and_evaluated_as_an_array():
    flow, other = small_flows.point_flow(seed=1), small_flows.point_flow(seed=1)
    for model in (flow, other):
        model.compile(keras.optimizers.SGD(0.05), run_eagerly=True)
        model.initialize(POINTS)
    other.set_weights(flow.get_weights())
    source = Pairs()
    found = flow.fit(source, epochs=2, shuffle=False, verbose=0).history["loss"]
    expected = other.fit(POINTS, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert flow.evaluate(Pairs(), verbose=0)[0] == pytest.approx(other.evaluate(POINTS, verbose=0)[0], rel=1e-5)
    assert source.begun >= 2
    assert source.ended >= 2


def test_what_has_labels_or_is_no_source_stays_as_it_is():
    class Labelled(Pairs):
        def __getitem__(self, index):
            return POINTS[:8], np.zeros(8)

    for x in (Labelled(), POINTS):
        assert without_missing_labels(x) is x
