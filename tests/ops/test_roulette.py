import re
import types

import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.ops import log_det, maps
from keras_iresnet.ops.bounds import series_bias
from keras_iresnet.ops.roulette import RouletteLogDet

LIP, SIZE = 0.95, 4
DIRECTIONS = 20
# Above LIP^2: the variance is finite.
RATE = 0.95


def tanh(x):
    value = tf.tanh(x)
    return value, 1 - value**2


class Net:
    """g(x) = -tanh(x A + b) A^T, whose Jacobian -A diag A^T has an eigenvalue near -1: the slowest series."""

    def __init__(self):
        rng = np.random.default_rng(5)
        A = rng.normal(size=(SIZE, 6))
        A *= np.sqrt(LIP) / oracles.norm(A)
        self.weights = [tf.constant(A), tf.constant(0.1 * rng.normal(size=6)), tf.constant(-A.T)]
        self.x = tf.constant(0.1 * rng.normal(size=(2, SIZE)))
        self.directions = [tf.constant(rng.normal(size=(DIRECTIONS, *tensor.shape))) for tensor in self.tensors]

    @property
    def tensors(self):
        return [self.x, *self.weights]

    def map(self, weights):
        A, b, C = weights
        return maps.Composition([maps.Dense(A, b), maps.Elementwise(tanh), maps.Dense(C)])

    def jacobian(self, x, weights):
        A, b, C = weights
        return oracles.jacobian(lambda x: tf.matmul(tf.tanh(tf.matmul(x, A) + b), C), x)

    def value_and_slopes(self, nats_of):
        """Nats of both points, and the derivatives of their sum along 20 directions of x and all weights."""
        with tf.GradientTape() as tape:
            tape.watch(self.tensors)
            nats = nats_of(self.x, self.weights)
            total = tf.reduce_sum(nats)
        gradients = tape.gradient(total, self.tensors)
        slopes = [tf.tensordot(d, g, g.shape.rank) for d, g in zip(self.directions, gradients, strict=True)]
        return tf.concat([nats, tf.add_n(slopes)], 0)

    def estimate(self, estimator, seed):
        return self.value_and_slopes(lambda x, weights: estimator(self.map(weights), x, seed)[1])


@pytest.fixture(scope="module")
def net():
    return Net()


def exact(net):
    return net.value_and_slopes(
        lambda x, weights: tf.linalg.slogdet(tf.eye(SIZE, dtype=tf.float64) + net.jacobian(x, weights))[1]
    )


def samples(net, estimator, count):
    run = tf.function(lambda seed: net.estimate(estimator, seed), autograph=False)
    return np.stack([run(tf.constant([seed, 3])) for seed in range(count)])


def test_value_and_gradient_are_unbiased_where_those_of_the_series_are_not(net):
    expected = exact(net).numpy()
    roulette = samples(net, RouletteLogDet(2, RATE, num_probes=8), 1000)
    oracles.assert_mean(roulette, expected)
    series = samples(net, log_det.SeriesLogDet(5, 8), 300)
    error = roulette.std(0) / np.sqrt(len(roulette)) + series.std(0) / np.sqrt(len(series))
    # Both points' values, and most of the derivatives.
    assert (np.abs(series.mean(0) - expected) > 8 * error)[:2].all()
    assert (np.abs(series.mean(0) - expected) > 8 * error).sum() >= 12


def test_every_term_has_its_weight(net):
    estimator = RouletteLogDet(2, 0.6, max_terms=6, num_probes=3)
    lengths = set()
    for seed in range(12):
        further = int(estimator.further_terms((seed, 0), SIZE))
        lengths.add(further)
        probes = np.reshape(log_det.rademacher((seed, 0), 3, net.x), (3, 2, SIZE))
        jacobian, power, expected = net.jacobian(net.x, net.weights).numpy(), probes, 0
        transposed, walk = probes, 0
        for j in range(1, 2 + further + 1):
            power = np.einsum("bij,pbj->pbi", jacobian, power)
            weight = (-1) ** (j + 1) * (1 if j <= 2 else 0.6 ** -(j - 2))
            expected += weight / j * np.einsum("pbi,pbi->pb", probes, power)
            walk += weight * transposed
            transposed = np.einsum("bji,pbj->pbi", jacobian, transposed)
        (_, nats), kept = estimator.remember(net.map(net.weights), net.x, (seed, 0))
        np.testing.assert_allclose(nats, expected.mean(0), rtol=1e-9)
        np.testing.assert_allclose(np.reshape(kept, walk.shape), walk, rtol=1e-9, atol=1e-12)
    assert len(lengths) > 3


@pytest.mark.parametrize("rate", [0.5, 0.9])
def test_further_terms_are_geometric_up_to_the_cap(rate):
    estimator = RouletteLogDet(rate=rate, max_terms=5)
    draw = tf.function(
        lambda seeds: tf.map_fn(lambda seed: estimator.further_terms(seed, SIZE), seeds), autograph=False
    )
    lengths = draw(tf.stack([tf.range(4000), tf.range(4000) // 7], 1)).numpy()
    assert lengths.max() == 5
    oracles.assert_mean(lengths[:, None] >= np.arange(1, 6), rate ** np.arange(1, 6))


@pytest.mark.parametrize(("rate", "dimension"), [(0.73, 784), (0.95, 3072), (0.2, 2)])
def test_default_cap_costs_less_than_a_millionth_of_a_nat(rate, dimension):
    estimator = RouletteLogDet(rate=rate)
    # The largest Lipschitz constant that the rate allows.
    assert series_bias(np.sqrt(rate), 2 + estimator.cap(dimension), dimension) <= 1e-6
    assert series_bias(np.sqrt(rate), 1 + estimator.cap(dimension), dimension) > 1e-6
    assert RouletteLogDet(rate=rate, max_terms=7).cap(dimension) == 7


def test_rate_follows_the_branch():
    block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((5, 5), coeff=0.9), estimator=ki.RouletteLogDet())
    block.build((None, 4))
    oracles.leave_identity(block)
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 4)), tf.float32)
    found = block.forward_and_log_det(x, seed=(3, 4))[1]
    same, other = (ki.RouletteLogDet(rate=rate) for rate in (0.9**3, 0.9))
    np.testing.assert_array_equal(found, block.forward_and_log_det(x, seed=(3, 4), estimator=same)[1])
    assert np.abs(found - block.forward_and_log_det(x, seed=(3, 4), estimator=other)[1]).max() > 1e-3


def test_rate_without_a_finite_variance_is_refused_before_any_work():
    message = r"above the square of the branch's .*: above 0\.729\^2 = 0\.5314\. Received: rate=0\.53"
    branch = ki.layers.DenseBranch((5, 5), coeff=0.9)
    with pytest.raises(ValueError, match=message):
        ki.layers.InvertibleResidualBlock(branch, estimator=ki.RouletteLogDet(rate=0.53)).build((None, 4))
    block = ki.layers.InvertibleResidualBlock(branch)
    block.build((None, 4))
    with pytest.raises(ValueError, match=message):
        block.forward_and_log_det(tf.zeros((1, 4)), seed=1, estimator=ki.RouletteLogDet(rate=0.53))


@pytest.mark.parametrize("branch", [ki.layers.DenseBranch((5,), coeff=None), keras.layers.Dense(4)])
def test_branch_of_unknown_bound_needs_a_rate(branch):
    with pytest.raises(ValueError, match=r"`rate` must be given .*not known.* Received: rate=None"):
        ki.layers.InvertibleResidualBlock(branch, estimator=ki.RouletteLogDet()).build((None, 4))
    ki.layers.InvertibleResidualBlock(branch, estimator=ki.RouletteLogDet(rate=0.5)).build((None, 4))


def test_replicas_share_one_length_and_have_their_own_probes(net, monkeypatch):
    estimator = RouletteLogDet(2, 0.9)

    def walk(index):
        context = types.SimpleNamespace(num_replicas_in_sync=2, replica_id_in_sync_group=tf.constant(index))
        monkeypatch.setattr(tf.distribute, "get_replica_context", lambda: context)
        return estimator.remember(net.map(net.weights), net.x[:1], (4, 3))[1], estimator.further_terms((4, 3), SIZE)

    (first, length), (second, other) = walk(0), walk(1)
    assert int(length) == int(other) > 1
    assert np.abs(first - second).max() > 0.1


def test_length_does_not_depend_on_the_probes():
    estimator = RouletteLogDet(rate=0.5, max_terms=8)
    seeds = tf.stack([tf.range(2000), tf.zeros(2000, tf.int32)], 1)
    x = tf.zeros((1, 8), tf.float64)
    both = tf.function(
        lambda: tf.map_fn(
            lambda seed: tf.cast(estimator.further_terms(seed, 8) > 0, tf.float64) * log_det.rademacher(seed, 1, x)[0],
            seeds,
            fn_output_signature=tf.float64,
        )
    )
    oracles.assert_mean(both(), np.zeros(8))


def test_bias_of_the_cap_is_within_its_bound(net):
    jacobians = net.jacobian(net.x, net.weights)
    # A rate so near 1 that the cap ends every walk: what is left is the series with the cap's terms.
    capped = RouletteLogDet(2, 1 - 1e-12, max_terms=9, num_probes=4000)
    nats = capped(net.map(net.weights), net.x, (1, 2))[1]
    bias = np.abs(oracles.log_abs_det(np.eye(SIZE) + jacobians) - oracles.truncated_series(jacobians, 11).numpy())
    assert bias.min() > 0.05
    assert bias.max() < series_bias(LIP, 11, SIZE)
    np.testing.assert_allclose(nats, oracles.truncated_series(jacobians, 11), atol=0.1)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_values_and_gradients_are_the_eager_ones_and_seeds_repeat(net, jit_compile):
    estimator = RouletteLogDet(2, 0.8, num_probes=2)
    compiled = tf.function(lambda seed: net.estimate(estimator, seed), jit_compile=jit_compile, autograph=False)
    seeds = [tf.constant([seed, 1]) for seed in range(4)]
    found = [compiled(seed).numpy() for seed in seeds]
    assert len({int(estimator.further_terms(seed, SIZE)) for seed in seeds}) > 1
    np.testing.assert_allclose(found, [net.estimate(estimator, seed) for seed in seeds], rtol=1e-8)
    np.testing.assert_array_equal(compiled(seeds[0]), found[0])
    assert np.abs(found[0] - found[1]).min() > 0


def test_graph_keeps_no_step_of_the_loop_for_the_gradient(net):
    def operations(estimator):
        run = tf.function(lambda seed: net.estimate(estimator, seed), autograph=False)
        graph = run.get_concrete_function(tf.TensorSpec((2,), tf.int32)).graph
        return [operation.type for operation in graph.get_operations()]

    found = operations(RouletteLogDet(rate=0.5, max_terms=5))
    assert sum(kind in ("While", "StatelessWhile") for kind in found) == 1  # a gradient's loop would be another
    assert not any("TensorList" in kind for kind in found)
    assert len(operations(RouletteLogDet(rate=0.5, max_terms=500))) == len(found)


def test_a_branch_with_derivatives_by_tape_gives_the_same(net):
    estimator = RouletteLogDet(2, 0.8)
    seed = next(tf.constant([i, 1]) for i in range(20) if estimator.further_terms((i, 1), SIZE) > 1)
    taped = tf.function(
        lambda: net.value_and_slopes(lambda x, weights: estimator(maps.Taped(net.map(weights)), x, seed)[1])
    )
    np.testing.assert_allclose(taped(), net.estimate(estimator, seed), rtol=1e-8)


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.5, float("nan"), "a", [0.5]])
def test_rate_outside_0_and_1_is_refused(rate):
    with pytest.raises(ValueError, match=rf"`rate` must lie in \(0, 1\)\. Received: rate={re.escape(repr(rate))}"):
        RouletteLogDet(rate=rate)


@pytest.mark.parametrize("name", ["exact_terms", "max_terms", "num_probes"])
def test_what_is_no_count_is_refused(name):
    with pytest.raises(ValueError, match=rf"`{name}` must be an integer of at least 1\. Received: {name}=0"):
        RouletteLogDet(**{name: 0})


def test_without_a_seed_it_is_refused(net):
    with pytest.raises(ValueError, match=r"needs a `seed`. Received: seed=None"):
        RouletteLogDet(rate=0.5)(net.map(net.weights), net.x, None)


def test_block_recomputes_and_is_saved_and_loaded(tmp_path):
    x = tf.constant(np.random.default_rng(2).normal(size=(5, 3)), tf.float32)
    branch = ki.layers.DenseBranch((8,))
    kept, remat = (
        ki.layers.InvertibleResidualBlock(branch, estimator=ki.RouletteLogDet(3, 0.7), remat=remat)
        for remat in (False, True)
    )
    flow = ki.Flow(ki.layers.Chain([kept]), event_shape=(3,))
    remat.build((None, 3))
    oracles.leave_identity(kept)
    kernels = [weight for weight in branch.trainable_weights if len(weight.shape) == 2]
    assert len(kernels) == 2

    def gradients(block):
        with tf.GradientTape() as tape:
            nats = block.forward_and_log_det(x, seed=(1, 2))[1]
        return [nats, *tape.gradient(nats, kernels)]

    for a, b in zip(gradients(kept), gradients(remat), strict=True):
        assert np.abs(a).max() > 1e-3
        np.testing.assert_allclose(a, b, atol=1e-5)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    assert loaded.layer.layers[0].estimator == ki.RouletteLogDet(3, 0.7)
    np.testing.assert_allclose(loaded.log_prob(x, seed=1), flow.log_prob(x, seed=1), rtol=1e-6)
