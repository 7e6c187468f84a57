"""The zoo's builders, recipes, records and names agree with each other."""

import math

import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.runs import resolve, train

# Each takes seconds and half a gigabyte.
LARGE = {name for name in ki.zoo.list() if (ki.zoo.get(name).record.parameters or 0) > 10**7} - {"cifar_flow"}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in ki.zoo.list()],
)
def entry_and_model(request):
    """An entry and its model by default, its norms not converged: for 512 channels that takes a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpectralLayer, "_converged", lambda layer, start: start)
        yield ki.zoo.get(request.param), ki.zoo.get(request.param).builder()


@pytest.mark.sweep(3)
def test_record_states_the_parameters_of_the_default_model(entry_and_model):
    entry, model = entry_and_model
    assert entry.record.parameters == sum(math.prod(weight.shape) for weight in model.trainable_weights)


@pytest.mark.sweep(3)
def test_recipe_names_a_data_set_of_the_models_shape_and_bins(entry_and_model):
    entry, model = entry_and_model
    name = entry.recipe.dataset
    if name in data.tfds_images.names():  # nobody has them all on disk
        assert (model.event_shape, model.bins) == (data.tfds_images.IMAGE_SETS[name].event_shape, data.tfds_images.BINS)
    else:
        splits = data.load(name)
        assert (model.event_shape, model.bins) == (splits.event_shape, splits.bins)


def test_cifar_flow_has_the_authors_parameters():
    assert ki.zoo.get("cifar_flow").record.parameters == 25_028_544


def _authors_residual_flow(sides, channels, blocks):
    """Weights by the architecture of github.com/rtqichen/residual-flows, resflows/resflow.py, counted by hand."""
    total, c, dimension = 2 * channels, channels, channels * sides**2  # ActNorm before all
    for scale in range(3):
        conv = (9 * c * 512 + 512) + (512 * 512 + 512) + (9 * 512 * c + c)
        total += blocks * (conv + 2 * c + 3) - (scale == 0)  # ActNorm; three slopes of LipSwish, two in the first block
        c *= 4
    linear = (dimension * 128 + 128) + (128 * 128 + 128) + (128 * dimension + dimension)
    return total + 4 * (linear + 2 * dimension + 3)


def _authors_densenet(sides, channels, *, slopes):
    """Weights by github.com/yperugachidiaz/invertible_densenets, lib/resflow.py; MonotoneFlows has the same."""
    total, c, dimension = 2 * channels, channels, channels * sides**2
    for _ in range(3):
        convs = sum(9 * (c + 172 * i) * 86 + 86 for i in range(3))
        total += 16 * (convs + (c + 3 * 172) * c + c + 2 * c + 3 * (2 + slopes))  # two shares of each concatenation
        c *= 4
    linear = (dimension * 64 + 64) + sum((64 + 32 * i) * 16 + 16 for i in range(3)) + (160 * dimension + dimension)
    return total + 4 * (linear + 2 * dimension + 3 * (2 + slopes))


@pytest.mark.parametrize(
    ("name", "authors"),
    [
        ("mnist_residual_flow", _authors_residual_flow(28, 1, 16)),
        ("cifar_residual_flow", _authors_residual_flow(32, 3, 16)),
        ("imagenet32_residual_flow", _authors_residual_flow(32, 3, 32)),
        ("cifar_idensenet_flow", _authors_densenet(32, 3, slopes=1)),
        ("cifar_monotone_flow", _authors_densenet(32, 3, slopes=0)),
        ("mnist_monotone_flow", _authors_densenet(28, 1, slopes=0)),
    ],
)
def test_successors_have_the_authors_parameters_less_one_act_norm(name, authors):
    channels = 1 if "mnist" in name else 3
    assert ki.zoo.get(name).record.parameters == authors - 2 * channels


@pytest.mark.parametrize("name", ki.zoo.list())
def test_every_model_is_reached_as_an_attribute(name):
    assert getattr(ki.zoo, name) is ki.zoo.get(name).builder


def test_unknown_name_lists_the_known():
    with pytest.raises(
        ValueError,
        match=r"must be one of cifar100_classifier, .*, toy_flow, or, .* image_flow.*\. Received: name='resnet50'",
    ):
        ki.zoo.get("resnet50")


def test_seed_fixes_weights_and_noise():
    first, second, other = (ki.zoo.digits_flow(blocks=(1, 1), channels=4, seed=seed) for seed in (3, 3, 4))
    images = np.zeros((2, 8, 8, 1), "uint8")
    np.testing.assert_array_equal(first.log_prob(images), second.log_prob(images))
    assert not np.allclose(first.log_prob(images), other.log_prob(images))


def test_which_toy_is_for_the_recipe_of_toy_flow_to_say(tmp_path):
    settings = resolve("toy_flow", {"dataset": "toy/checkerboard", "blocks": 1})
    assert settings.recipe.dataset == "toy/checkerboard"
    assert settings.build().event_shape == (2,)
    with pytest.raises(ValueError, match=r"one of .*toy/moons.* Received: name='toy/stars'"):
        train("toy_flow", tmp_path, overrides={"dataset": "toy/stars", "blocks": 1}, progress=False)
    with pytest.raises(TypeError, match="dataset"):
        ki.zoo.toy_flow(dataset="toy/checkerboard")


def test_toy_flow_density_integrates_to_one():
    flow = ki.zoo.toy_flow(blocks=3, units=(16, 16), seed=0)
    flow.initialize(data.toys.sample("moons", 500, seed=0))
    axis = np.linspace(-12, 12, 400, dtype="float32")
    plane = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    total = tf.reduce_sum(tf.exp(flow.log_prob(plane))) * (axis[1] - axis[0]) ** 2
    assert float(total) == pytest.approx(1, abs=2e-3)
