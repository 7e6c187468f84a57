"""A flow in a file."""

import json
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import small_flows

import keras_iresnet as ki


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    """The trained flow and the file it was saved to."""
    flow, _ = trained
    path = tmp_path_factory.mktemp("saved") / "flow.keras"
    flow.save(path)
    return flow, path


class TestSaving:
    def test_loaded_flow_is_the_same_and_goes_on(self, saved):
        flow, path = saved
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)  # Keras on numpy 2
            loaded = keras.saving.load_model(path)
        images = small_flows.images(8)
        np.testing.assert_allclose(loaded.log_prob(images, seed=1), flow.log_prob(images, seed=1), rtol=1e-6)
        np.testing.assert_allclose(loaded.sample(3, seed=1), flow.sample(3, seed=1), rtol=1e-6)
        assert loaded.initialized
        assert loaded.get_config() == json.loads(json.dumps(flow.get_config()))
        assert int(loaded.optimizer.iterations) == int(flow.optimizer.iterations) > 0
        for a, b in zip(loaded.optimizer.variables, flow.optimizer.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert set(loaded.evaluate(images, verbose=0, return_dict=True)) == {"loss", "bits_per_dim"}
        norm = loaded.layer.layers[2].shift.numpy()
        loaded.fit(0 * images, epochs=1, verbose=0)
        assert np.abs(loaded.layer.layers[2].shift.numpy() - norm).max() < 0.1  # trained on, not initialised again

    def test_fresh_process_that_only_imports_the_package_gives_the_same(self, saved):
        flow, path = saved
        images = small_flows.images(4)
        code = (
            "import sys, json, numpy, keras, keras_iresnet\n"
            f"flow = keras.saving.load_model({str(path)!r})\n"
            f"x = numpy.array({images.tolist()}, 'uint8')\n"
            "print(json.dumps(flow.log_prob(x, seed=1).numpy().tolist()))\n"
        )
        options = {"capture_output": True, "text": True, "timeout": 300}
        done = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", code], check=False, **options)
        assert done.returncode == 0, done.stderr
        np.testing.assert_allclose(json.loads(done.stdout), flow.log_prob(images, seed=1), rtol=1e-6)

    def test_weights_alone_can_be_saved(self, fresh, tmp_path):
        fresh.fit(small_flows.points(), verbose=0)
        fresh.save_weights(tmp_path / "flow.weights.h5")
        other = small_flows.point_flow(seed=8)
        other.load_weights(tmp_path / "flow.weights.h5")
        x = small_flows.points(5)
        np.testing.assert_allclose(other.log_prob(x), fresh.log_prob(x), rtol=1e-6)
        assert other.initialized

    def test_config_holds_json_and_gives_the_flow_back(self, trained):
        flow, _ = trained
        config = json.loads(json.dumps(flow.get_config()))
        again = ki.Flow.from_config(config)
        assert again.get_config() == config
        assert [weight.shape for weight in again.weights] == [weight.shape for weight in flow.weights]
