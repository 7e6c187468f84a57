import pathlib

import pytest
import small_flows
import tensorflow as tf

from keras_iresnet.commands import export_run
from keras_iresnet.runs import RunFolder


@pytest.fixture
def run(tmp_path):
    run = RunFolder.create(tmp_path / "run")
    run.write_json(run.config, {"name": "toy_flow"})
    run.save(run.best, small_flows.point_flow(seed=1))
    return run


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
