import pytest
from browser import Browser

import keras_iresnet as ki
from keras_iresnet import data


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory):
    """A folder of presets under released models' names, of models that are hardly there."""
    folder = tmp_path_factory.mktemp("weights")
    digits = next(iter(data.load("digits").train.batch(200))).numpy()
    flow = ki.zoo.digits_flow(blocks=(1,), channels=4, seed=0)
    flow.initialize(digits)
    flow.save_to_preset(folder / "digits_flow")
    ki.zoo.digits_classifier(blocks=(1, 1), channels=4, seed=0).save_to_preset(folder / "digits_classifier")
    toy = ki.zoo.toy_flow(blocks=1, units=(8,), seed=0)
    toy.initialize(next(iter(data.load("toy/8gaussians").train.batch(500))).numpy())
    toy.save_to_preset(folder / "toy_flow_8gaussians")
    return folder
