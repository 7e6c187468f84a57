"""Weights by name."""

import pytest
import small_flows

import keras_iresnet as ki
from keras_iresnet.models.files import preset as presets


def test_a_name_without_weights_says_so_and_how_to_train_it():
    with pytest.raises(
        ValueError, match=r"of this one there are none\. Train it: keras-iresnet train cifar_flow --out"
    ):
        ki.zoo.load("cifar_flow")
    with pytest.raises(ValueError, match=r"keras-iresnet train image_flow --dataset DATA --out runs/image_flow "):
        ki.zoo.load("image_flow")
    with pytest.raises(ValueError, match=r"whose weights are released .*Received: name='nonsense'"):
        ki.zoo.load("nonsense")


def test_what_is_there_is_listed_and_loaded(tmp_path, monkeypatch):
    flow = small_flows.point_flow(seed=0)
    flow.save_to_preset(tmp_path / "bent")
    monkeypatch.setattr(presets, "RELEASED", tmp_path)
    assert ki.zoo.released() == ["bent"]
    assert ki.zoo.load("bent").event_shape == (2,)
    with pytest.raises(ValueError, match=r"released \(bent\)"):
        ki.zoo.load("other")
