"""A run ends when its validation has not become better for some epochs."""

from types import SimpleNamespace

import pytest

from keras_iresnet.runs.patience import Patience


@pytest.mark.parametrize(("patience", "best", "ends"), [(3, 2, 5), (1, None, 1), (None, 1, None)])
def test_training_ends_so_many_epochs_after_the_best(patience, best, ends):
    callback = Patience(patience, SimpleNamespace(epoch=best))
    model = SimpleNamespace(stop_training=False)
    callback.set_model(model)
    ended = []
    for epoch in range(8):
        callback.on_epoch_end(epoch)
        ended += [epoch + 1] if model.stop_training else []
    assert ended[:1] == ([] if ends is None else [ends])
