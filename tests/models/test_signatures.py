import functools
import subprocess
import sys
import textwrap

import keras
import numpy as np
import oracles
import pytest
import small_classifiers
import small_flows
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet import zoo
from keras_iresnet.layers import ActNorm, Chain, ConvBranch, InvertibleResidualBlock, Logit, Squeeze

# What runs where only TensorFlow is installed; an array is named model/question/signature/argument.
CLIENT = """
    import collections, sys
    for blocked in ("keras_iresnet", "keras_iresnet_cli", "tensorflow_probability"):
        sys.modules[blocked] = None
    import numpy as np, tensorflow as tf
    asked = collections.defaultdict(dict)
    for key, value in np.load("asked.npz").items():
        model, question, signature, argument = key.split("/")
        asked[model, question, signature][argument] = tf.constant(value)
    served = {model: tf.saved_model.load(model).signatures for model in {model for model, _, _ in asked}}
    found = {
        f"{model}/{question}": served[model][signature](**arguments)["output_0"]
        for (model, question, signature), arguments in asked.items()
    }
    np.savez("found.npz", **found)
"""
EXAMPLES = {
    "images": small_flows.images(20),
    "points": np.random.default_rng(0).normal(size=(20, 2)).astype("float32"),
    "hybrid": small_flows.images(20),
    "classifier": small_flows.images(20),
}
# The hybrid is a flow of images too: one of them alone is fast.
SLOW = "images"
DENSITIES = (pytest.param(SLOW, marks=pytest.mark.slow), "points", "hybrid")
CLASSIFIERS = ("hybrid", "classifier")


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    block = InvertibleResidualBlock(ConvBranch(6), estimator=ki.SeriesLogDet(6))
    chain = Chain([Logit(), Squeeze(), ActNorm(), block])
    models = {
        "images": small_flows.image_flow(seed=1),
        "points": zoo.toy_flow(blocks=1, units=(16,), seed=1),
        "hybrid": ki.models.Hybrid(chain, small_flows.IMAGE_SHAPE, 3, bins=small_flows.BINS, seed=1),
        "classifier": small_classifiers.classifier(),
    }
    for name, model in models.items():
        oracles.leave_identity(model.layer if name == "classifier" else model)
    # Of features far from those that the head expects, it would be sure of one class.
    clf = models["classifier"]
    mean, variance = tf.nn.moments(clf.features(EXAMPLES["classifier"]), [0, 1, 2])
    clf.head.norm.moving_mean.assign(mean)
    clf.head.norm.moving_variance.assign(variance)
    return models


def _asked(names):
    """Questions to models, each also about one example alone."""
    seed, other, n = np.int32(7), np.int32(8), np.int32(6)
    asked = {}
    for name in names:
        x, density = EXAMPLES[name], name != "classifier"
        for count in (20, 1):
            if density:
                asked |= {f"{name}/log_prob {count}/log_prob/x": x[:count]}
                asked |= {f"{name}/log_prob {count}/log_prob/seed": seed}
            if name in CLASSIFIERS:
                asked |= {f"{name}/predict_proba {count}/predict_proba/x": x[:count]}
            if name == "classifier":
                asked |= {f"{name}/features {count}/features/x": x[:count]}
        if density:
            for question, value in (("samples", seed), ("again", seed), ("other", other)):
                asked |= {f"{name}/{question}/sample/n": n, f"{name}/{question}/sample/seed": value}
    return asked


@pytest.fixture(scope="module")
def served(models, tmp_path_factory):
    """(model, question) -> what a process without this package got from the exported models."""

    @functools.cache
    def answers(slow):
        names = [name for name in models if (name == SLOW) == slow]
        folder = tmp_path_factory.mktemp("served")
        for name in names:
            models[name].export(folder / name, verbose=False)
        np.savez(folder / "asked.npz", **_asked(names))
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(CLIENT)], cwd=folder, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return dict(np.load(folder / "found.npz"))

    return lambda name, question: answers(name == SLOW)[f"{name}/{question}"]


@pytest.mark.parametrize("name", DENSITIES)
def test_log_prob_is_the_models(models, served, name):
    x = EXAMPLES[name]
    expected = models[name].log_prob(x, seed=7).numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(served(name, "log_prob 20"), expected, rtol=1e-5)
    np.testing.assert_allclose(served(name, "log_prob 1"), models[name].log_prob(x[:1], seed=7), rtol=1e-5)


@pytest.mark.parametrize("name", DENSITIES)
def test_samples_are_the_models_for_the_same_seed(models, served, name):
    samples = served(name, "samples")
    np.testing.assert_allclose(samples, models[name].sample(6, seed=7), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(samples, served(name, "again"))
    assert abs(samples - served(name, "other")).mean() > 0.01


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_probabilities_are_the_models(models, served, name):
    expected = models[name].predict_proba(EXAMPLES[name])
    assert expected.std(0).min() > 0.01
    exact = np.finfo("float32").eps  # of probabilities, whose sum is 1: one of 1e-12 depends on the processor
    np.testing.assert_allclose(served(name, "predict_proba 20"), expected, rtol=1e-5, atol=exact)
    np.testing.assert_allclose(served(name, "predict_proba 1"), expected[:1], rtol=1e-5, atol=exact)


def test_features_are_the_models(models, served):
    expected = models["classifier"].features(EXAMPLES["classifier"]).numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(served("classifier", "features 20"), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(served("classifier", "features 1"), expected[:1], rtol=1e-5, atol=1e-5)


def test_images_out_of_range_are_refused(tmp_path):
    flow = zoo.digits_flow(blocks=(1,), channels=4)
    flow.export(tmp_path, verbose=False)
    served = tf.saved_model.load(tmp_path).signatures["log_prob"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="must lie in"):
        served(x=tf.fill((1, 8, 8, 1), tf.constant(17, tf.uint8)), seed=tf.constant(0))


def test_what_is_printed_is_what_the_file_can_be_asked(models, tmp_path, capsys):
    models["points"].export(tmp_path / "points")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Saved in {tmp_path / 'points'}, for TensorFlow alone:"
    assert lines[1:] == ["  log_prob(x (batch, 2) float32, seed () int32)", "  sample(n () int32, seed () int32)"]
    models["points"].export(tmp_path / "quiet", verbose=False)
    assert capsys.readouterr().out == ""
