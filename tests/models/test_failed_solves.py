"""Forward solves that fail in training are counted in its logs, and end it where they are many, under XLA too."""

import keras
import numpy as np
import pytest
import small_flows

import keras_iresnet as ki

POINTS = small_flows.points(256)
TOO_MANY = r"The forward solves of \S+ must converge.*share of recent ones that did not: 0\.\d+\. Is every branch"


def make(jit_compile, max_steps):
    block = ki.layers.MonotoneBlock(ki.layers.DenseBranch((8,)), estimator=ki.SeriesLogDet(2), max_steps=max_steps)
    flow = ki.Flow(ki.layers.Chain([block]), (2,), seed=1)
    flow.initialize(POINTS)
    return compiled(flow, jit_compile), block


def compiled(flow, jit_compile):
    flow.compile(keras.optimizers.SGD(1e-4), jit_compile=jit_compile)
    return flow


def fit(flow, **kwargs):
    return flow.fit(POINTS, batch_size=4, verbose=0, **kwargs).history


@pytest.mark.parametrize("jit_compile", [False, True])
def test_many_end_a_training_and_the_next_begins_without_them(jit_compile):
    flow, block = make(jit_compile, 200)
    block.max_steps = 1
    with pytest.raises(ki.NotConvergedError, match=TOO_MANY) as told:
        fit(flow)
    assert "Detected at node" not in str(told.value)
    if jit_compile:  # 50 steps of 64
        assert float(block.failures) == 200
    with pytest.raises(ki.NotConvergedError, match=TOO_MANY):
        flow.train_on_batch(POINTS[:4])
    block.failed_share.assign(0.3)
    block.max_steps = 200
    before = float(block.failures)
    history = fit(compiled(flow, jit_compile), epochs=2)
    assert history["failed_solves"] == [before, before]
    assert float(block.failed_share) == 0


def test_few_are_logged_and_kept_where_a_training_goes_on():
    flow, block = make(False, 200)
    block.failures.assign(7.0)
    block.failed_share.assign(0.09)
    logged = []
    history = fit(
        flow, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: logged.append({**logs}))]
    )
    assert logged[0]["failed_solves"] == history["failed_solves"][0] == 7
    np.testing.assert_allclose(block.failed_share, 0.09 * 0.99**64, rtol=1e-4)


def test_solves_outside_of_training_that_fail_are_the_same_error():
    flow, block = make(False, 200)
    block.max_steps = 1
    with pytest.raises(ki.NotConvergedError, match=r"did not converge.*: 4, \S+\. Is every branch"):
        flow.evaluate(POINTS[:4], verbose=0)


def test_models_that_solve_nothing_log_nothing():
    flow = ki.zoo.toy_flow(blocks=1, units=(4,))
    assert "failed_solves" not in fit(compiled(flow, False))
