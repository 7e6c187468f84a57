"""A checkpoint as a run: the commands go on from there."""

import re

import numpy as np
import pytest
from click.testing import CliRunner
from references import state

from keras_iresnet import data
from keras_iresnet.commands import (
    certify_run,
    evaluate_run,
    import_checkpoint,
    interpolate_run,
    reconstruct_run,
    sample_run,
)
from keras_iresnet.runs import RunFolder, train
from keras_iresnet_cli import cli

safetensors = pytest.importorskip("safetensors.numpy")


def checkpoint(folder, name):
    path = folder / f"{name}.safetensors"
    safetensors.save_file(state(name), path)
    return path


GREY = {"event_shape": (8, 8, 1), "coeff": 0.93, "activation": "softplus", "bins": 17, "dataset": "digits"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    imported = import_checkpoint(folder / "run", checkpoint=checkpoint(folder, "authors_multiscale_bare"), **GREY)
    return RunFolder.open(folder / "run"), imported


def test_what_is_imported_is_kept(run):
    folder, imported = run
    config = folder.read_config()
    assert config["imported"] == imported
    assert imported["source"] == "invertible-resnet"
    assert len(imported["sha256"]) == 64
    assert config["data"]["test"] == 360
    assert certify_run(folder.path).invertible
    assert folder.read_metrics()["parameters"] == imported["parameters"]
    words = "import .*authors_multiscale_bare.safetensors --event-shape 8,8,1 --coeff 0.93 --activation softplus"
    assert re.search(words, config["command"])


@pytest.mark.slow
def test_the_commands_work_on_it(run, tmp_path):
    folder, _ = run
    figures = evaluate_run(folder.path, num_terms=8, max_passes=1, progress=False)
    images = np.stack([*data.load("digits").test.as_numpy_iterator()])
    flow = folder.load_best()
    x = flow.to_data(images, seed=1)
    nats = flow.log_prob(x, seed=2)
    bits = np.log2(17) - np.mean(nats) / 64 / np.log(2)
    assert figures["test_bits_per_dim"] == pytest.approx(bits, abs=5 * figures["test_bits_per_dim_standard_error"])
    assert sample_run(folder.path, n=2, out=tmp_path / "samples.png").is_file()
    assert interpolate_run(folder.path, pairs=1, steps=2, out=tmp_path / "walk.png").is_file()
    assert reconstruct_run(folder.path, n=2, out=tmp_path / "again.png")[1]["max_abs_error"] < 1e-3


def test_it_is_a_run_that_has_ended(run):
    folder, _ = run
    assert folder.read_metrics()["steps"] == 0
    with pytest.raises(ValueError, match="a new one begins with its weights by `init_from`"):
        train(resume=folder.path, progress=False)


def test_a_folder_that_holds_something_and_other_images_are_refused(run, tmp_path):
    path = checkpoint(tmp_path, "authors_multiscale_bare")
    with pytest.raises(ValueError, match="`out` must be a new or an empty folder"):
        import_checkpoint(run[0].path, checkpoint=path, **GREY)
    with pytest.raises(ValueError, match="`dataset` must hold examples of shape"):
        import_checkpoint(tmp_path / "run", checkpoint=path, **GREY | {"bins": 16})
    assert not (tmp_path / "run").exists()


def test_the_command_line_tells_of_bounds_that_were_raised(tmp_path):
    path = checkpoint(tmp_path, "authors_single")
    words = ["import", str(path), "--event-shape", "8,8,3", "--coeff", "0.93", "--activation", "relu"]
    result = CliRunner().invoke(cli, [*words, "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "above the checkpoint's 0.93" in result.stderr


@pytest.mark.slow
def test_a_classifier_is_a_run_too(tmp_path):
    path = checkpoint(tmp_path, "authors_classifier")
    options = {"event_shape": (8, 8, 3), "task": "classification", "coeff": 0.93, "activation": "maxmin"}
    import_checkpoint(tmp_path / "run", checkpoint=path, **options, mean=(0, 0, 0), deviation=(1, 1, 1))
    assert RunFolder.open(tmp_path / "run").read_config()["name"] == "image_classifier"
    assert certify_run(tmp_path / "run").bound < 1
