"""The multi-scale flow's keywords are what they say."""

import keras
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keras_iresnet as ki
from keras_iresnet import layers, zoo


def walk(layer):
    """All invertible layers, from first to last."""
    yield layer
    for inner in getattr(layer, "layers", [getattr(layer, "layer", None)]):
        if inner is not None:
            yield from walk(inner)


def kinds(flow):
    short = {
        layers.Squeeze: "squeeze",
        layers.ActNorm: "norm",
        layers.InvertibleResidualBlock: "block",
        layers.FactorOut: "half",
        layers.Logit: "logit",
        layers.Center: "center",
        layers.Gaussianize: "gaussianize",
        layers.Flatten: "vector",
    }
    return " ".join(short[type(layer)] for layer in walk(flow.layer) if type(layer) in short)


def grids(flow):
    """(height, width, channels) that each block works on."""
    blocks = [layer for layer in walk(flow.layer) if isinstance(layer, layers.InvertibleResidualBlock)]
    return [tuple(block.input_spec.shape[1:]) for block in blocks]


def test_28_is_halved_twice_and_the_third_scale_stays_at_7():
    flow = ki.zoo.mnist_flow(blocks=(1, 1, 2), channels=4)
    assert kinds(flow) == "logit squeeze norm block half squeeze norm block half norm block norm block"
    assert grids(flow) == [(14, 14, 4), (7, 7, 8), (7, 7, 4), (7, 7, 4)]


def test_authors_cifar_flow_squeezes_first():
    flow = ki.zoo.cifar_flow(blocks=(1, 1, 1), channels=4)
    assert kinds(flow) == "center squeeze norm block half squeeze norm block half squeeze norm block"
    assert grids(flow) == [(16, 16, 12), (8, 8, 24), (4, 4, 48)]


def test_all_channels_stay_without_multi_scale():
    flow = ki.zoo.image_flow((8, 8, 1), blocks=(1, 1), channels=4, multi_scale=False, act_norm=False)
    assert kinds(flow) == "logit squeeze block squeeze block"
    assert grids(flow) == [(4, 4, 4), (2, 2, 16)]


@pytest.mark.parametrize("pixel_transform", ["logit", "center", "gaussianize"])
def test_pixels_go_through_what_was_asked_for_first(pixel_transform):
    options = {"bins": 5, "blocks": (1,), "channels": 4, "initial_squeeze": True, "act_norm": False}
    flow = ki.zoo.image_flow((8, 8, 1), pixel_transform=pixel_transform, **options)
    assert kinds(flow) == f"{pixel_transform} squeeze squeeze block"
    if pixel_transform == "gaussianize":
        assert next(layer for layer in walk(flow.layer) if isinstance(layer, layers.Gaussianize)).bins == 5


def test_pixel_transform_of_another_name_is_refused():
    message = r"`pixel_transform` must be one of \('logit', 'center', 'gaussianize'\). Received: pixel_transform=True"
    with pytest.raises(ValueError, match=message):
        ki.zoo.image_flow((8, 8, 1), blocks=(1,), pixel_transform=True)


def test_each_scale_has_its_channels_and_the_first_block_no_activation_in_front():
    flow = ki.zoo.image_flow((8, 8, 1), blocks=(2, 1), channels=(4, 6))
    branches = [layer.branch for layer in walk(flow.layer) if isinstance(layer, layers.InvertibleResidualBlock)]
    assert [branch.channels for branch in branches] == [(4, 4), (4, 4), (6, 6)]
    assert [branch.preactivate for branch in branches] == [False, True, True]


@pytest.mark.parametrize("multi_scale", [True, False])
def test_dense_blocks_see_all_of_the_last_scale(multi_scale):
    options = {"blocks": (1, 1), "channels": 4, "dense_blocks": 2, "dense_units": 5, "multi_scale": multi_scale}
    flow = ki.zoo.image_flow((8, 8, 1), **options)
    half = "half " if multi_scale else ""
    assert kinds(flow) == f"logit squeeze norm block {half}squeeze norm block vector norm block norm block"
    assert grids(flow)[-2:] == 2 * [(32,) if multi_scale else (64,)]
    last = [layer for layer in walk(flow.layer) if isinstance(layer, layers.InvertibleResidualBlock)][-1].branch
    assert last.units == (5, 5)
    assert last.preactivate


def test_density_and_inverse_hold_with_dense_blocks():
    keras.config.set_dtype_policy("float64")
    flow = ki.zoo.image_flow((4, 4, 1), bins=4, blocks=(1, 1), channels=4, dense_blocks=2, seed=0)
    oracles.leave_identity(flow)
    x = flow.to_data(np.random.default_rng(0).integers(0, 4, (6, 4, 4, 1)).astype("uint8"), seed=0)
    _, log_det = flow.layer.forward_and_log_det(x, estimator=ki.ExactLogDet())
    np.testing.assert_allclose(log_det, oracles.log_abs_det(oracles.jacobian(flow.forward, x)), rtol=1e-9)
    np.testing.assert_allclose(flow.inverse(flow.forward(x)), x, atol=1e-6)


def test_fewer_dense_blocks_than_none_are_refused():
    with pytest.raises(ValueError, match=r"`dense_blocks` must be 0 or more. Received: dense_blocks=-1"):
        ki.zoo.digits_flow(dense_blocks=-1)


def test_density_and_inverse_hold_with_dropout():
    flow = ki.zoo.image_flow((4, 4, 1), bins=4, blocks=(1,), channels=4, dropout=0.5, seed=0)
    images = np.random.default_rng(0).integers(0, 4, (32, 4, 4, 1)).astype("uint8")
    flow.compile("adamax")
    flow.fit(images, batch_size=16, epochs=2, verbose=0)
    x = flow.to_data(images, seed=0)
    np.testing.assert_allclose(flow.inverse(flow.forward(x)), x, atol=1e-4)
    np.testing.assert_array_equal(flow.forward(x), flow.forward(x))  # no draw outside training


@pytest.mark.parametrize("blocks", [(), (0,), (1, -1)])
def test_scales_without_blocks_are_refused(blocks):
    with pytest.raises(ValueError, match=r"`blocks` must hold one number of at least 1 for each scale. Received: bloc"):
        ki.zoo.digits_flow(blocks=blocks)


@pytest.mark.parametrize("strides", [(2,), (2, 3), (2, 2, 2)])
def test_strides_that_are_not_one_or_two_for_each_scale_are_refused(strides):
    with pytest.raises(ValueError, match=r"`strides` must be 1 or 2 for each of 2 scales. Received: strides="):
        ki.zoo.digits_flow(strides=strides)


def test_odd_sides_for_a_squeeze_are_refused():
    with pytest.raises(ValueError, match=r"divisible by factor=2. Received: input_shape=\(None, 7, 7, 4\)"):
        ki.zoo.mnist_flow(blocks=(1, 1, 1), channels=(4, 4, 4), strides=(2, 2, 2))


def test_channels_must_match_the_scales():
    with pytest.raises(
        ValueError, match=r"`channels` must be one integer, or one for each of 2 scales. Received: \(4,"
    ):
        ki.zoo.digits_flow(channels=(4, 4, 4))


def test_builder_of_a_data_set_refuses_what_belongs_to_the_data_set():
    for keyword in ({"bins": 256}, {"event_shape": (8, 8, 3)}, {"layers": 3}):
        with pytest.raises(TypeError, match=next(iter(keyword))):
            ki.zoo.digits_flow(**keyword)


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), channels=st.integers(1, 4))
def test_images_of_any_size_there_and_back(height, width, channels):
    _assert_there_and_back((height, width, channels))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 33), width=st.integers(1, 33), channels=st.integers(1, 7))
def test_images_of_any_larger_size_there_and_back(height, width, channels):
    _assert_there_and_back((height, width, channels))


@pytest.mark.parametrize("event_shape", [(25, 25, 3), (7, 5, 3), (1, 1, 1)])
@pytest.mark.sweep(3)
def test_odd_sizes_that_failed_before(event_shape):
    _assert_there_and_back(event_shape)


def _assert_there_and_back(event_shape):
    flow = zoo.image_flow(event_shape, blocks=(1, 1, 1), channels=2, bins=5, seed=1)
    images = np.random.default_rng(0).integers(0, 5, (4, *event_shape), dtype=np.uint8)
    flow.initialize(images)
    x = flow.to_data(images, seed=1)
    z = flow.forward(x)
    assert z.shape == (4, int(np.prod(event_shape)))
    np.testing.assert_array_equal(flow.to_images(flow.inverse(z)), images)
    assert np.isfinite(flow.log_prob(images, seed=1)).all()
