import keras
import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet.models.likelihood import bits_per_dim

LOG_PROB = np.array([-1.0, 2.5, -7.0], "float32")
BITS = -LOG_PROB / (6 * np.log(2)) + np.log2(17)  # by hand: 6 dimensions, 17 bins


def test_bits_per_dim_is_the_formula():
    np.testing.assert_allclose(bits_per_dim(LOG_PROB, dimension=6, bins=17), BITS, rtol=1e-6)


def test_uniform_density_costs_the_bits_of_its_bins():
    assert bits_per_dim(0.0, dimension=3072, bins=256) == 8


def test_loss_is_the_mean_in_bits_or_nats():
    targets = np.zeros(3)
    loss = ki.models.NegativeLogLikelihood(dimension=6, bins=17)
    assert float(loss(targets, LOG_PROB)) == pytest.approx(BITS.mean(), rel=1e-6)
    nats = ki.models.NegativeLogLikelihood(dimension=6)
    assert float(nats(targets, LOG_PROB)) == pytest.approx(-LOG_PROB.mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("metric", "values"), [(ki.models.BitsPerDim(dimension=6, bins=17), BITS), (ki.models.Nats(), -LOG_PROB)]
)
def test_metric_is_the_mean_over_examples_of_all_batches(metric, values):
    metric.update_state(np.ones(2), LOG_PROB[:2])
    metric.update_state(np.zeros(1), LOG_PROB[2:])
    assert float(metric.result()) == pytest.approx(values.mean(), rel=1e-6)
    metric.reset_state()
    metric.update_state(None, LOG_PROB, sample_weight=np.array([1.0, 0.0, 3.0]))
    assert float(metric.result()) == pytest.approx((values[0] + 3 * values[2]) / 4, rel=1e-6)


@pytest.mark.parametrize(
    "thing",
    [
        ki.models.NegativeLogLikelihood(dimension=6, bins=17),
        ki.models.NegativeLogLikelihood(dimension=6),
        ki.models.BitsPerDim(dimension=6, bins=17, name="bpd"),
        ki.models.Nats(),
    ],
)
def test_config_gives_the_same_value(thing):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(thing))
    assert again.get_config() == thing.get_config()
    assert float(again(np.zeros(3), LOG_PROB)) == float(thing(np.zeros(3), LOG_PROB))
