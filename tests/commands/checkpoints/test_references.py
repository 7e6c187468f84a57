"""Networks of the references, against what their own code answered: see record_references.py."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from references import COEFF, channels_last, images, recorded, state

import keras_iresnet as ki
from keras_iresnet.commands.checkpoints.models_of import Facts, model_of
from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
from keras_iresnet.layers import FactorOut, InvertibleResidualBlock

CLOSE = {"rtol": 2e-6, "atol": 2e-6}
# Name -> activation, and the shapes of the latents of each scale, channels first.
FLOWS = {
    "authors_multiscale": ("elu", [(6, 4, 4), (24, 2, 2)]),
    "authors_multiscale_bare": ("softplus", [(2, 4, 4), (2, 4, 4)]),
    "authors_single": ("relu", [(48, 2, 2)]),
    "residual_flow": (None, [(12, 4, 4)]),
    "residual_flow_factor_out": (None, [(6, 4, 4), (6, 4, 4)]),
    "residual_flow_squeeze_first": (None, [(8, 4, 4), (8, 4, 4)]),
}
SLOW = {"authors_multiscale", "residual_flow_squeeze_first"}
NAMES = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in FLOWS]
SQUEEZED_FIRST = {"logit_alpha": 1e-6}


@functools.cache
def found(name):
    """In float64."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    more = SQUEEZED_FIRST if name.endswith("squeeze_first") else {}
    try:
        facts = Facts(images(name).shape[1:], coeff=COEFF, activation=FLOWS[name][0], **more)
        return model_of(NamedTensors(state(name)), facts)
    finally:
        keras.config.set_dtype_policy(policy)


def outputs_of_blocks(layer, x):
    """The output of every residual block of a layer, in the order of the data."""
    for one in layer.layers:
        if isinstance(one, FactorOut):
            yield from outputs_of_blocks(one.layer, x[..., x.shape[-1] // 2 :])
            return
        x = one(x)
        if isinstance(one, InvertibleResidualBlock):
            yield x


def in_our_order(z, shapes):
    """Latents channel by channel -> position by position, scale by scale."""
    parts = np.split(z, np.cumsum([np.prod(shape) for shape in shapes])[:-1], axis=1)
    return np.concatenate(
        [
            channels_last(part.reshape(-1, *shape)).reshape(len(z), -1)
            for part, shape in zip(parts, shapes, strict=True)
        ],
        1,
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_block_gives_what_theirs_gave(name):
    steps = [channels_last(recorded(name)[f"step_{i}"]) for i in range(sum("step_" in key for key in recorded(name)))]
    ours = [*outputs_of_blocks(found(name).model.layer, tf.constant(images(name), "float64"))]
    assert len(ours) == len(steps) > 1
    for one, theirs in zip(ours, steps, strict=True):
        np.testing.assert_allclose(np.reshape(one, theirs.shape), theirs, **CLOSE)


@pytest.mark.parametrize("name", NAMES)
def test_latents_densities_and_the_way_back_are_theirs(name):
    flow, theirs = found(name).model, recorded(name)
    z, log_det = flow.forward_and_log_det(images(name), estimator=ki.ExactLogDet())
    np.testing.assert_allclose(z, in_our_order(theirs["latents"], FLOWS[name][1]), **CLOSE)
    assert np.abs(theirs["log_det"]).min() > 1
    np.testing.assert_allclose(log_det, theirs["log_det"], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(flow.prior.log_prob(z), theirs["log_prior"], rtol=1e-5)
    np.testing.assert_allclose(flow.inverse(z), images(name), atol=1e-6)


def test_features_and_logits_of_a_classifier_are_theirs():
    name = "authors_classifier"
    keras.config.set_dtype_policy("float64")
    mean, deviation = (0.5, 0.4, 0.6), (0.5, 0.6, 0.7)
    facts = Facts((8, 8, 3), "classification", COEFF, "maxmin", mean=mean, deviation=deviation)
    model = model_of(NamedTensors(state(name)), facts).model
    pixels = (images(name) - 0.5) * deviation + mean  # which their transform makes of it what was recorded
    np.testing.assert_allclose(model.features(pixels), channels_last(recorded(name)["features"]), **CLOSE)
    np.testing.assert_allclose(model(pixels), recorded(name)["logits"], **CLOSE)
    again, report = model.invert(model.features(pixels))
    assert np.all(report.converged)
    np.testing.assert_allclose(again, pixels, atol=1e-6)


def test_bounds_are_raised_where_their_power_iteration_lagged_behind():
    lagging = found("authors_single")
    assert set(lagging.raised) == {"stack_0", "stack_2"}
    assert lagging.raised["stack_0"] > 1 > lagging.raised["stack_2"] > COEFF
    bounds = {block.name: block for block in ki.certify(lagging.model).blocks}
    for name, raised in lagging.raised.items():
        norms = [layer.norm for layer in bounds[name].layers]
        assert COEFF < max(norms) <= raised
    blocks = {block.name: block.branch.coeff for block in lagging.model.layer.layers if "stack" in block.name}
    assert blocks == {"stack_0": None, "stack_1": COEFF, "stack_2": lagging.raised["stack_2"]}
    assert found("authors_multiscale").raised == {}


@pytest.mark.slow
def test_a_block_without_a_bound_is_saved_with_its_estimator(tmp_path):
    name, layer = "residual_flow_factor_out", "transforms.0.chain.2.nnet.4"
    other = {f"{layer}.{vector}": state(name)[f"{layer}.{vector}"][::-1] for vector in "uv"}  # which gives any sigma
    imported = model_of(NamedTensors(state(name) | other), Facts((8, 8, 3), coeff=COEFF))
    assert imported.raised["transforms_0_chain_2"] > 1
    imported.model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    x = images(name)
    np.testing.assert_allclose(loaded.log_prob(x, 1), imported.model.log_prob(x, 1), rtol=1e-5)


def test_without_v_sigma_is_that_of_u():
    name = "authors_multiscale_bare"
    without = {key: value for key, value in state(name).items() if not key.endswith("_v")}
    assert len(without) < len(state(name))
    flow = model_of(NamedTensors(without), Facts((8, 8, 1), coeff=COEFF, activation="softplus")).model
    z = in_our_order(recorded(name)["latents"], FLOWS[name][1])
    np.testing.assert_allclose(flow.forward(images(name)), z, atol=0.02)  # both are of vectors that have converged


def test_a_loaded_run_is_to_the_rounding_what_was_imported(tmp_path):
    name = "authors_single"  # of blocks with the checkpoint's bound, with a larger one and without any
    flow = model_of(NamedTensors(state(name)), Facts((8, 8, 3), coeff=COEFF, activation="relu")).model
    x = images(name)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(loaded.forward(x), flow.forward(x), atol=1e-5)
    assert loaded.initialized
