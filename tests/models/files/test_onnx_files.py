"""Files of ONNX against the flow that they were written from, by onnxruntime."""

import functools
import sys

import keras
import numpy as np
import oracles
import pytest
import small_flows
from served_onnx import CLOSE, Served

import keras_iresnet as ki


@functools.cache
def point_flow():
    return oracles.leave_identity(small_flows.point_flow(seed=1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1, or None"),
        ({"estimator": ki.SeriesLogDet(3)}, "`batch_size` must be given for an estimator with random probes"),
        ({"tolerance": 0.0}, "`tolerance` must be positive"),
        ({"max_steps": 0}, "`max_steps` must be an integer of at least 1"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        point_flow().export(tmp_path / "flow", format="onnx", **options)
    assert not (tmp_path / "flow").exists()


def test_a_folder_that_holds_something_and_another_precision_are_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="`filepath` must be a new or an empty folder"):
        point_flow().export(tmp_path, format="onnx")
    keras.config.set_dtype_policy("float64")
    with pytest.raises(ValueError, match=r"A model must be in float32 for ONNX. Received: float64"):
        small_flows.point_flow(seed=1).export(tmp_path / "flow", format="onnx")


def test_where_the_extra_is_missing_it_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ValueError, match=r"pip install 'keras-iresnet\[onnx\]'"):
        point_flow().export(tmp_path / "flow", format="onnx")
    assert not (tmp_path / "flow").exists()


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """A flow over points, and its files for any batch."""
    pytest.importorskip("tf2onnx")
    blocks = [ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((8,))) for _ in range(2)]  # of one form
    flow = ki.Flow(ki.layers.Chain([ki.layers.ActNorm(), *blocks]), (2,), seed=1)
    folder = tmp_path_factory.mktemp("points") / "flow"
    oracles.leave_identity(flow)
    flow.export(folder, format="onnx", verbose=False)
    return flow, Served(folder)


def test_points_of_any_number_have_their_latents_and_densities(points):
    flow, served = points
    for count in (1, 7):
        x = small_flows.points(count)
        np.testing.assert_allclose(served("forward", x=x)["z"], flow.forward(x), **CLOSE)
        expected = flow.log_prob(x, estimator=ki.ExactLogDet())
        np.testing.assert_allclose(served("log_prob", x=x)["log_prob"], expected, **CLOSE)


def test_the_way_back_ends_at_its_tolerance_and_tells_its_residual(points):
    flow, served = points
    x = small_flows.points(7)
    found = served("inverse", z=flow.forward(x))
    np.testing.assert_allclose(found["x"], x, **CLOSE)
    _, report = flow.inverse_and_report(flow.forward(x), tolerance=1e-5)
    assert found["converged"].all()
    np.testing.assert_array_equal(found["steps"], report.steps)
    assert 0 < found["residual"].max() <= 4e-5
    np.testing.assert_allclose(found["residual"], report.residual, atol=2e-6)


@pytest.mark.slow
def test_few_steps_are_told_not_to_be_enough(tmp_path):
    pytest.importorskip("tf2onnx")
    flow = point_flow()
    steps = [block.max_steps for block in flow.layer.layers if hasattr(block, "max_steps")]
    flow.export(tmp_path / "flow", format="onnx", max_steps=1, verbose=False)
    assert [block.max_steps for block in flow.layer.layers if hasattr(block, "max_steps")] == steps
    found = Served(tmp_path / "flow")("inverse", z=flow.forward(small_flows.points(3)))
    assert not found["converged"].any()
    assert (found["steps"] == len(steps)).all()
    assert found["residual"].min() > 1e-4


@pytest.mark.slow
def test_images_have_the_series_of_their_seed(tmp_path):
    pytest.importorskip("tf2onnx")
    flow = oracles.leave_identity(small_flows.image_flow(seed=1))
    estimator = ki.SeriesLogDet(4, 2)
    flow.export(tmp_path / "flow", format="onnx", batch_size=3, estimator=estimator, seed=5, verbose=False)
    served, x = Served(tmp_path / "flow"), flow.to_data(small_flows.images(3), seed=0)
    expected = flow.log_prob(x, 5, estimator=estimator)
    np.testing.assert_allclose(served("log_prob", x=x)["log_prob"], expected, **CLOSE)
    assert np.abs(expected - flow.log_prob(x, 6, estimator=estimator)).max() > 1e-3
    found = served("inverse", z=flow.forward(x))
    np.testing.assert_allclose(found["x"], x, **CLOSE)
    assert found["converged"].all()


@pytest.mark.slow
def test_densities_of_images_of_any_number_are_exact(tmp_path):
    pytest.importorskip("tf2onnx")
    flow = oracles.leave_identity(small_flows.image_flow(seed=1))
    flow.export(tmp_path / "flow", format="onnx", estimator=ki.ExactLogDet(), verbose=False)
    served, x = Served(tmp_path / "flow"), flow.to_data(small_flows.images(4), seed=0)
    expected = flow.log_prob(x, estimator=ki.ExactLogDet())
    np.testing.assert_allclose(served("log_prob", x=x)["log_prob"], expected, **CLOSE)
    np.testing.assert_allclose(served("inverse", z=flow.forward(x))["x"], x, **CLOSE)


@pytest.mark.slow
def test_a_condition_is_an_input(tmp_path):
    pytest.importorskip("tf2onnx")
    branch = ki.layers.DenseBranch((8,), condition_size=2)
    block = ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet())
    flow = oracles.leave_identity(ki.Flow(ki.layers.Chain([ki.layers.ActNorm(), block]), (2,), condition_size=2))
    flow.export(tmp_path / "flow", format="onnx", verbose=False)
    served, x, condition = Served(tmp_path / "flow"), small_flows.points(4), np.eye(2)[[0, 1, 1, 0]]
    z = flow.forward(x, condition=condition)
    np.testing.assert_allclose(served("forward", x=x, condition=condition)["z"], z, **CLOSE)
    np.testing.assert_allclose(served("inverse", z=z, condition=condition)["x"], x, **CLOSE)
