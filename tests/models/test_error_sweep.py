"""Ten thousand inverses of trained models, each with its exact solution."""

import keras
import numpy as np
import pytest
from exact_inverse import assert_close_and_below, exact_inverse

import keras_iresnet as ki
from keras_iresnet.data import digits

COEFFS = (0.5, 0.7, 0.9, 0.95, 0.98)
EXAMPLES = 1000  # of each of ten models


def trained_flow(coeff, epochs):
    images = digits.load_arrays()[0][:EXAMPLES]
    flow = ki.zoo.digits_flow(blocks=(2, 2), channels=16, coeff=coeff, seed=0)
    flow.compile(keras.optimizers.Adamax(0.02))
    flow.fit(images, batch_size=100, epochs=epochs, verbose=0)
    latents = [flow.forward(flow.to_data(images[: EXAMPLES // 2], seed=1)), flow.prior.sample(EXAMPLES // 2, (0, 2))]
    return flow, np.concatenate(latents)


def trained_classifier(coeff, epochs):
    images, labels = (part[:EXAMPLES] for part in digits.load_arrays()[:2])
    clf = ki.zoo.digits_classifier(channels=16, coeff=coeff, seed=0)
    clf.compile(keras.optimizers.SGD(0.05, momentum=0.9))
    clf.fit(images, labels, batch_size=100, epochs=epochs, verbose=0)
    return clf, clf.features(images)


@pytest.mark.slow
@pytest.mark.parametrize("coeff", COEFFS)
@pytest.mark.parametrize("trained", [trained_flow, trained_classifier])
def test_errors_of_a_trained_model(trained, coeff):
    model, y = trained(coeff, epochs=5)
    ki.contract(model)
    x, report = model.layer.inverse_and_report(np.reshape(y, (EXAMPLES, *_event(model))), errors=True)
    assert_close_and_below(x, report, exact_inverse(model.layer, np.reshape(y, (EXAMPLES, *_event(model)))))


def _event(model):
    return model.layer.compute_output_shape((None, *model.event_shape))[1:]
