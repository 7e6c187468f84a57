import subprocess
import sys
import textwrap

import numpy as np
import oracles
import pytest
import small_flows
import tensorflow as tf

from keras_iresnet import zoo

# What runs where only TensorFlow is installed.
CLIENT = """
    import sys
    for blocked in ("keras_iresnet", "keras_iresnet_cli", "tensorflow_probability"):
        sys.modules[blocked] = None
    import numpy as np, tensorflow as tf
    folder, given, found = sys.argv[1:]
    served, given = tf.saved_model.load(folder).signatures, np.load(given)
    seed, n = tf.constant(7), tf.constant(6)
    log_prob = served["log_prob"](x=tf.constant(given["x"]), seed=seed)["output_0"]
    one = served["log_prob"](x=tf.constant(given["x"][:1]), seed=seed)["output_0"]
    samples, again, other = (served["sample"](n=n, seed=s)["output_0"] for s in (seed, seed, tf.constant(8)))
    np.savez(found, log_prob=log_prob, one=one, samples=samples, again=again, other=other)
"""


@pytest.fixture(scope="module", params=["images", "points"])
def served(request, tmp_path_factory):
    """A flow, what its log_prob was asked for, and what a process without this package got."""
    folder = tmp_path_factory.mktemp("served")
    if request.param == "images":
        flow, x = small_flows.image_flow(seed=1), small_flows.images(20)
    else:
        flow = zoo.toy_flow(blocks=2, units=(16,), seed=1)
        x = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
    flow = oracles.leave_identity(flow)
    flow.export(folder / "model", verbose=False)
    np.savez(folder / "given.npz", x=x)
    words = [folder / "model", folder / "given.npz", folder / "found.npz"]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CLIENT), *words], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return flow, x, dict(np.load(folder / "found.npz"))


def test_log_prob_is_the_models(served):
    flow, x, found = served
    expected = flow.log_prob(x, seed=7).numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(found["log_prob"], expected, rtol=1e-5)
    np.testing.assert_allclose(found["one"], flow.log_prob(x[:1], seed=7), rtol=1e-5)


def test_samples_are_the_models_for_the_same_seed(served):
    flow, _, found = served
    np.testing.assert_allclose(found["samples"], flow.sample(6, seed=7), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found["samples"], found["again"])
    assert abs(found["samples"] - found["other"]).mean() > 0.01


def test_images_out_of_range_are_refused(tmp_path):
    flow = zoo.digits_flow(blocks=(1,), channels=4)
    flow.export(tmp_path, verbose=False)
    served = tf.saved_model.load(tmp_path).signatures["log_prob"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="must lie in"):
        served(x=tf.fill((1, 8, 8, 1), tf.constant(17, tf.uint8)), seed=tf.constant(0))
