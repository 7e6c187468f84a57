import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import norm

import keras_iresnet as ki
from keras_iresnet.evaluation.certification import Certification
from keras_iresnet.layers import DenseBranch, InvertibleResidualBlock
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer


@pytest.fixture
def flow(monkeypatch):
    """It loses its bounds as it trains: no power iterations at a high rate."""
    keras.utils.set_random_seed(0)
    block = InvertibleResidualBlock(DenseBranch((32, 32)), estimator=ki.ExactLogDet(), name="only")
    flow = ki.Flow(ki.layers.Chain([block]), (2,))
    monkeypatch.setattr(SpectralLayer, "converge", lambda self: None)
    for layer in block.branch.spectral_layers:
        layer.power_iterations = 0
    flow.compile(keras.optimizers.Adam(0.1))
    return flow


def _fit(flow, callback, epochs=4):
    points = np.random.default_rng(0).normal(size=(1000, 2)).astype("float32") ** 3
    return flow.fit(points, batch_size=100, epochs=epochs, callbacks=[callback], verbose=0).history


def test_history_has_the_bound_of_every_second_epoch(flow):
    callback = Certification(every=2)
    found = _fit(flow, callback)["certified_lipschitz"]
    assert [math.isnan(value) for value in found] == [True, False, True, False]
    assert found[-1] == callback.certificate.bound == ki.certify(flow).bound > 1


def test_training_stops_where_nothing_is_proved(flow):
    found = _fit(flow, Certification(action="stop"), epochs=20)["certified_lipschitz"]
    assert found[-1] >= 1
    assert len(found) < 20
    assert all(value < 1 for value in found[:-1])


def test_kernels_are_contracted_and_tensorboard_is_told(flow, tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    callback = Certification(action="contract", writer=writer)
    found = _fit(flow, callback, epochs=6)["certified_lipschitz"]
    assert max(found) >= 1
    assert callback.certificate.invertible or found[-1] < 1
    layers = [layer for layer in flow._flatten_layers() if isinstance(layer, SpectralLayer)]
    exact = math.prod(norm(layer.normalized_kernel()) for layer in layers)
    assert exact <= callback.certificate.bound < 1
    writer.close()
    (path,) = tmp_path.iterdir()
    values = [value for event in tf.compat.v1.train.summary_iterator(str(path)) for value in event.summary.value]
    bounds = [float(tf.make_ndarray(value.tensor)) for value in values if value.tag == "certified_lipschitz"]
    np.testing.assert_allclose(bounds, found, rtol=1e-6)
    assert {"worst_block", "contracted_lipschitz", "contracted_kernels"} <= {value.tag for value in values}
    texts = [tf.make_ndarray(value.tensor).item().decode() for value in values if value.tag == "worst_block"]
    assert all(text.startswith("only (2,): Lip(g) <= ") for text in texts)


@pytest.mark.parametrize("options", [{"every": 0}, {"action": "hope"}])
def test_what_cannot_be_is_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"Received: {name}={value!r}"):
        Certification(**options)
