"""What an experiment does before and after its training, without it: its runs are an untrained network's."""

import numpy as np
import pytest
from studies import study

import keras_iresnet as ki
from keras_iresnet.training import RunFolder, inverse_steps, reconstructions


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run of a network that nobody trained."""
    run = RunFolder.create(tmp_path_factory.mktemp("untrained"))
    run.save(run.best, ki.zoo.digits_classifier(blocks=(1, 1), channels=4, seed=0))
    run.write_json(run.config, {"recipe": {"dataset": "digits", "seed": 0}})
    return run


def test_reconstructions_without_training(run, tmp_path, monkeypatch):
    monkeypatch.setattr(reconstructions, "sweep", lambda size, labels, out, **_: dict.fromkeys(labels, run))
    paths, rows = reconstructions.reconstructions(tmp_path, images=2)
    arrays, written = study(paths)
    assert [row["model"] for row in written] == ["coeff-0.9"] * 2 + ["vanilla"] * 2
    assert arrays["originals"].shape == (2, 8, 8, 1)
    np.testing.assert_allclose(arrays["vanilla"], arrays["originals"] / 16, atol=1e-4)
    assert all(row["reconstructed"] for row in rows)


def test_inverse_steps_without_training(run, tmp_path, monkeypatch):
    monkeypatch.setattr(inverse_steps, "sweep", lambda *_, **__: {"coeff-0.9": run})
    paths, rows = inverse_steps.inverse_steps(tmp_path, images=2)
    errors = study(paths)[0]["coeff-0.9"].mean(1)
    assert errors[0] > 1e-3 > 1e-5 > errors[-1]
    assert [row["steps"] for row in rows] == list(inverse_steps.STEPS)
