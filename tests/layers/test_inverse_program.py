"""Inverses that are called eagerly are compiled once, and give what the layers' own methods give."""

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import Carried, inverse_program


@pytest.fixture
def chain():
    keras.utils.set_random_seed(1)
    blocks = [ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((8,), dtype="float64"), dtype="float64")]
    blocks.append(ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((8,), dtype="float64"), dtype="float64"))
    layer = ki.layers.Chain([ki.layers.ActNorm(dtype="float64"), *blocks], dtype="float64")
    layer.build((None, 3))
    oracles.leave_identity(layer)
    return layer


@pytest.fixture
def traces(monkeypatch):
    """A list that grows by one entry whenever the inverse of a chain is traced, or run eagerly."""
    found = []
    inverse = ki.layers.Chain._inverse

    def counted(self, *arguments):
        found.append(self.name)
        return inverse(self, *arguments)

    monkeypatch.setattr(ki.layers.Chain, "_inverse", counted)
    return found


def points(count, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=(count, 3)))


def test_it_is_compiled_once_for_all_batches_and_weights(chain, traces):
    for count in (1, 5, 2, 40):
        x = points(count)
        np.testing.assert_allclose(chain.inverse(chain(x)), x, atol=1e-12)
    assert len(traces) <= 2  # the second size makes it one of any
    bias = chain.layers[1].branch.spectral_layers[0].bias
    y = chain(x)
    bias.assign(bias + 1)
    assert np.abs(chain.inverse(y) - x).max() > 1e-3
    np.testing.assert_allclose(chain(chain.inverse(y)), y, atol=1e-12)
    assert len(traces) <= 2


def test_changed_settings_are_seen(chain):
    y = chain(points(5))
    steps = chain.inverse_and_report(y)[1].steps.numpy()
    chain.layers[1].tolerance = chain.layers[2].tolerance = 1e-2
    assert (chain.inverse_and_report(y)[1].steps.numpy() < steps).all()
    chain.layers[1].max_steps = 2
    assert not chain.inverse_and_report(y)[1].converged.numpy().any()


def test_a_tolerance_of_the_call_takes_the_place_of_the_blocks_own(chain):
    x = points(50)
    errors, steps = [], []
    for tolerance in (1e-3, 1e-6, 1e-9):
        back, report = chain.inverse_and_report(chain(x), tolerance=tolerance)
        errors.append(np.abs(back - x).max())
        steps.append(report.steps.numpy().mean())
        assert report.converged.numpy().all()
        assert errors[-1] < 20 * tolerance
    assert errors[0] > 1e3 * errors[2]
    assert steps[0] < steps[1] < steps[2]


@pytest.mark.parametrize("conditional", [False, True])
def test_shares_of_a_batch_side_by_side_are_the_batch(monkeypatch, conditional):
    size = 2 if conditional else None
    block = ki.layers.InvertibleResidualBlock(
        ki.layers.DenseBranch((8,), condition_size=size, dtype="float64"), dtype="float64"
    )
    block.build((None, 3))
    oracles.leave_identity(block)
    y, condition = points(7), None
    if conditional:
        condition = points(7, seed=1)[:, :2]
        block.branch.condition_kernels[0].assign(tf.ones_like(block.branch.condition_kernels[0]))
    expected, report = block._inverse(y, Carried(condition=condition))
    monkeypatch.setattr(inverse_program, "_shares", lambda batch: 3)
    found, own = block.inverse_and_report(y, condition=condition)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_array_equal(own.steps, report.steps)


def test_a_share_has_examples_enough(monkeypatch):
    assert inverse_program._shares(100) == 1  # each operation has all cores here
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: 1)
    monkeypatch.setattr(tf.config.threading, "get_inter_op_parallelism_threads", lambda: 2)
    assert [inverse_program._shares(batch) for batch in (1, 7, 8, 100)] == [1, 1, 2, 2]


def test_closed_forms_are_not_compiled(traces):
    layer = ki.layers.Chain([ki.layers.Squeeze(), ki.layers.ActNorm()])
    y = layer(tf.ones((1, 4, 4, 1)))
    for _ in range(2):
        layer.inverse(y)
    assert len(traces) == 2
