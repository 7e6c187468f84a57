import numpy as np
import oracles
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.models.files.onnx_functions import PivotLogDet, flow_functions


def test_elimination_gives_the_determinant_of_a_contraction():
    rng = np.random.default_rng(0)
    matrices = rng.normal(size=(3, 7, 7))
    matrices *= 0.95 / np.linalg.norm(matrices, 2, (1, 2), keepdims=True)
    expected = oracles.log_abs_det(np.eye(7) + matrices)
    assert np.abs(expected).min() > 0.01
    np.testing.assert_allclose(PivotLogDet._log_abs_det(tf.constant(np.eye(7) + matrices)), expected, rtol=1e-12)


def test_no_step_of_an_inverse_is_in_bfloat16(monkeypatch):
    monkeypatch.setattr("keras_iresnet.ops.kernels.has_bfloat16", lambda: True)
    block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((64,)), estimator=ki.ExactLogDet())
    flow = ki.Flow(ki.layers.Chain([block]), (2,))
    spec = tf.TensorSpec((None, 2), "float32")
    for function, low in (
        (lambda z: flow.inverse_and_report(z)[0], True),
        (flow_functions(flow, None)["inverse"][0], False),
    ):
        graph = tf.function(function, autograph=False).get_concrete_function(spec).graph.as_graph_def()
        assert ("BFLOAT16" in str(graph)) == low
