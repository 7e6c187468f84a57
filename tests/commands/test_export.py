import json
import pathlib
import sys

import numpy as np
import pytest
import small_classifiers
import small_flows
import tensorflow as tf
from click.testing import CliRunner
from served_onnx import CLOSE, Served

import keras_iresnet as ki
from keras_iresnet.commands import export_run
from keras_iresnet.runs import RunFolder
from keras_iresnet_cli import cli


def run_of(model, path):
    run = RunFolder.create(path)
    name = "image_classifier" if isinstance(model, ki.Classifier) else "toy_flow"
    run.write_json(run.config, {"name": name, "builder": {}, "recipe": {"dataset": "", "seed": 0}})
    run.save(run.best, model)
    return run


@pytest.fixture
def run(tmp_path):
    return run_of(small_flows.point_flow(seed=1), tmp_path / "run")


@pytest.fixture(scope="module")
def classifier_run(tmp_path_factory):
    return run_of(small_classifiers.classifier(), tmp_path_factory.mktemp("runs") / "classifier")


def test_the_best_checkpoint_is_served_by_tensorflow_alone(run, capsys):
    path = export_run(run.path)
    assert path == run.path / "saved_model"
    assert "log_prob(x (batch, 2) float32, seed () int32)" in capsys.readouterr().out
    x = tf.constant(small_flows.points(5))
    found = tf.saved_model.load(path).signatures["log_prob"](x=x, seed=tf.constant(0))["output_0"]
    tf.debugging.assert_near(found, run.load_best().log_prob(x), atol=1e-5)


def test_a_folder_that_holds_something_is_refused(run):
    with pytest.raises(ValueError, match="`out` must be a new or an empty folder"):
        export_run(run.path, out=run.path)
    with pytest.raises(ValueError, match="`out` must be a new or an empty folder"):
        export_run(run.path, out=pathlib.Path(__file__))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "keras"}, "`format` must be one of tf_saved_model, onnx. Received: format='keras'"),
        ({"batch_size": 3}, "`batch_size` must be none unless `format` is 'onnx'. Received: batch_size=3"),
        ({"num_terms": 3}, "`num_terms` must be none unless `format` is 'onnx'. Received: num_terms=3"),
        (
            {"format": "onnx", "batch_size": 2, "num_terms": 3},
            "`num_terms` must be none for a model without log-determinants. Received: num_terms=3",
        ),
    ],
)
def test_options_that_a_format_or_a_model_has_not_are_refused(classifier_run, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_run(classifier_run.path, out=tmp_path / "files", **options)
    assert not (tmp_path / "files").exists()


def test_the_command_writes_a_classifier_for_onnx(classifier_run):
    pytest.importorskip("tf2onnx")
    done = CliRunner().invoke(cli, ["export", str(classifier_run.path), "--format", "onnx"])
    assert done.exit_code == 0, done.output
    assert "for ONNX: predict_proba.onnx, features.onnx, invert.onnx" in done.stdout
    images, clf = small_flows.images(5), classifier_run.load_best()
    found = Served(classifier_run.path / "onnx")("predict_proba", x=images)
    np.testing.assert_allclose(found["probabilities"], clf.predict_proba(images), **CLOSE)


def test_the_command_writes_a_flow_with_the_series_that_it_was_told(run, tmp_path):
    pytest.importorskip("tf2onnx")
    words = ["--format", "onnx", "--batch-size", "4", "--num-terms", "3", "--out", str(tmp_path / "files"), "--json"]
    done = CliRunner().invoke(cli, ["export", str(run.path), *words])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["paths"] == [str(tmp_path / "files")]
    served, flow, x = Served(tmp_path / "files"), run.load_best(), small_flows.points(4)
    assert served.sessions["log_prob"].get_inputs()[0].shape == [4, 2]
    expected = flow.log_prob(x, 0, estimator=ki.SeriesLogDet(3, 1))
    np.testing.assert_allclose(served("log_prob", x=x)["log_prob"], expected, **CLOSE)
    assert np.abs(expected - flow.log_prob(x)).max() > 1e-3


def test_without_the_extra_the_command_names_it(classifier_run, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    words = ["--format", "onnx", "--out", str(tmp_path / "files")]
    done = CliRunner().invoke(cli, ["export", str(classifier_run.path), *words])
    assert done.exit_code == 2
    assert "pip install 'keras-iresnet[onnx]'" in done.output
    assert not (tmp_path / "files").exists()
