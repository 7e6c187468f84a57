import numpy as np
import oracles
import pytest

import keras_iresnet as ki
from keras_iresnet.evaluation.likelihood_classifier import LikelihoodClassifier

IMAGES = np.random.default_rng(0).integers(0, 17, (6, 8, 8, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def flow():
    """A flow of p(image | class) whose conditions have an effect."""
    flow = ki.zoo.digits_flow(blocks=(1,), channels=4, conditional=True, seed=0)
    flow.initialize(IMAGES)
    return flow


def test_classes_share_the_noise(flow):
    """Untrained, no block sees its condition: where noise differed between classes, so would likelihoods."""
    found = LikelihoodClassifier(flow).logits(IMAGES).numpy()
    assert found.shape == (6, 10)
    np.testing.assert_allclose(found, found[:, :1] + np.zeros(10), rtol=1e-6)
    assert np.ptp(found[:, 0]) > 1


def test_logits_are_log_likelihoods_of_every_class():
    """Their exponential has the mean of p(x | c) over the noise, which NumPy draws here, and less variance."""
    block = ki.layers.InvertibleResidualBlock(ki.layers.ConvBranch(4, condition_size=3))
    flow = ki.Flow(ki.layers.Chain([ki.layers.Center(0.5), block]), (2, 2, 1), bins=4, condition_size=3)
    oracles.leave_identity(flow.layer)
    image = IMAGES[:1, :2, :2] % 4
    found = np.exp(LikelihoodClassifier(flow, num_noises=5).logits(np.repeat(image, 2000, 0)))
    x = ((image + np.random.default_rng(1).random((20_000, 2, 2, 1))) / 4).astype("float32")
    nats = [flow.log_prob(x, estimator=ki.ExactLogDet(), condition=np.full(len(x), c)) for c in range(3)]
    truth = np.exp(np.stack(nats, -1))
    assert np.ptp(np.log(truth.mean(0))) > 0.1
    oracles.assert_mean(found, truth.mean(0), errors=5)  # the oracle has an error too
    np.testing.assert_allclose(found.std(0), truth.std(0) / 5**0.5, rtol=0.1)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="num_noises=0"):
        LikelihoodClassifier(ki.zoo.digits_flow(blocks=(1,), channels=4, conditional=True), num_noises=0)
    with pytest.raises(ValueError, match="condition_size=None"):
        LikelihoodClassifier(ki.zoo.digits_flow(blocks=(1,), channels=4))
