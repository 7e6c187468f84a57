"""Networks of the references, against what their own code answered: see record_references.py."""

import functools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.commands.checkpoints.models_of import Facts, model_of
from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
from keras_iresnet.layers import FactorOut, InvertibleResidualBlock

RECORDED = pathlib.Path(__file__).parent / "recorded"
COEFF = 0.93
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
# Name -> activation, and the shapes of the latents of each scale, channels first.
FLOWS = {
    "authors_multiscale": ("elu", [(6, 4, 4), (24, 2, 2)]),
    "authors_multiscale_bare": ("softplus", [(2, 4, 4), (2, 4, 4)]),
    "authors_single": ("relu", [(48, 2, 2)]),
    "residual_flow": (None, [(48, 2, 2)]),
    "residual_flow_factor_out": (None, [(6, 4, 4), (6, 4, 4)]),
    "residual_flow_squeeze_first": (None, [(8, 4, 4), (8, 4, 4)]),
}
SQUEEZED_FIRST = {"logit_alpha": 1e-6}


@functools.cache
def recorded(name):
    with np.load(RECORDED / f"{name}.npz") as file:
        return dict(file)


def state(name):
    return {key.removeprefix("state/"): value for key, value in recorded(name).items() if key.startswith("state/")}


def images(name):
    return channels_last(recorded(name)["images"])


def channels_last(x):
    return np.moveaxis(x, 1, -1)


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


@pytest.mark.parametrize("name", FLOWS)
def test_every_block_gives_what_theirs_gave(name):
    steps = [channels_last(recorded(name)[f"step_{i}"]) for i in range(sum("step_" in key for key in recorded(name)))]
    ours = [*outputs_of_blocks(found(name).model.layer, tf.constant(images(name)))]
    assert len(ours) == len(steps) > 1
    for one, theirs in zip(ours, steps, strict=True):
        np.testing.assert_allclose(np.reshape(one, theirs.shape), theirs, **CLOSE)


@pytest.mark.parametrize("name", FLOWS)
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
    mean, deviation = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    facts = Facts((8, 8, 3), "classification", COEFF, "maxmin", mean=mean, deviation=deviation)
    model = model_of(NamedTensors(state(name)), facts).model
    pixels = (images(name) - 0.5) * deviation + mean  # which their transform makes of it what was recorded
    np.testing.assert_allclose(model.features(pixels), channels_last(recorded(name)["features"]), **CLOSE)
    np.testing.assert_allclose(model(pixels), recorded(name)["logits"], **CLOSE)
    again, report = model.invert(model.features(pixels))
    assert np.all(report.converged)
    np.testing.assert_allclose(again, pixels, atol=1e-6)


def test_bounds_are_raised_where_their_power_iteration_lagged_behind():
    raised = found("authors_single").raised
    assert raised
    assert all(bound > COEFF for bound in raised.values())
    assert found("residual_flow").raised == {}
    report = ki.certify(found("authors_single").model)
    assert max(layer.norm for layer in report.layers) <= max(raised.values())
    assert max(layer.norm for layer in ki.certify(found("residual_flow").model).layers) < 1.01 * COEFF


def test_without_v_sigma_is_that_of_u():
    without = {key: value for key, value in state("residual_flow").items() if not key.endswith(".v")}
    facts = Facts((8, 8, 3), coeff=COEFF)
    flow = model_of(NamedTensors(without), facts).model  # whose vectors have converged: they agree
    np.testing.assert_allclose(
        flow.forward(images("residual_flow").astype("float32")),
        in_our_order(recorded("residual_flow")["latents"], [(48, 2, 2)]),
        rtol=1e-2,
        atol=1e-2,
    )


def test_a_loaded_run_is_to_the_rounding_what_was_imported(tmp_path):
    flow = model_of(NamedTensors(state("residual_flow_factor_out")), Facts((8, 8, 3), coeff=COEFF)).model
    x = images("residual_flow_factor_out").astype("float32")
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_allclose(loaded.forward(x), flow.forward(x), atol=1e-5)
    assert loaded.initialized
