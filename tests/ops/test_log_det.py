import itertools

import numpy as np
import oracles
import pytest
import tensorflow as tf

from keras_iresnet.ops import log_det, maps

SERIES = [log_det.SeriesLogDet, log_det.BackpropSeriesLogDet]
NAMES = ["dense", "convolution"]
RNG_SEED = 11


def scaled(weight, matrix, norm):
    return norm * weight / oracles.norm(matrix(weight))


def dense_weights(norm):
    rng = np.random.default_rng(RNG_SEED)
    A, C = (scaled(rng.normal(size=shape), np.asarray, norm) for shape in [(4, 6), (6, 4)])
    return [A, 0.3 * rng.normal(size=6), C]


def convolution_weights(norm):
    rng = np.random.default_rng(RNG_SEED)
    A, C = (
        scaled(rng.normal(size=shape), lambda kernel: oracles.convolution_matrix(kernel, (2, 2)), norm)
        for shape in [(3, 3, 2, 3), (3, 3, 3, 2)]
    )
    return [A, 0.3 * rng.normal(size=3), C]


class Net:
    """g(x) = tanh(x A + b) C twice: as a map of the package, and as a plain function for the oracle."""

    def __init__(self, name, norm=0.95, dtype="float64"):
        self.event = (4,) if name == "dense" else (2, 2, 2)
        build = dense_weights if name == "dense" else convolution_weights
        self.weights = [tf.constant(weight, dtype) for weight in build(norm)]
        self.x = tf.constant(np.random.default_rng(3).normal(size=(3, *self.event)), dtype)

    def function(self, weights):
        A, b, C = weights
        if len(self.event) == 1:
            return lambda x: tf.matmul(tf.tanh(tf.matmul(x, A) + b), C)
        return lambda x: tf.nn.conv2d(tf.tanh(tf.nn.conv2d(x, A, 1, "SAME") + b), C, 1, "SAME")

    def map(self, weights):
        A, b, C = weights
        tanh = maps.Elementwise(lambda x: (tf.tanh(x), 1 - tf.tanh(x) ** 2))
        if len(self.event) == 1:
            return maps.Composition([maps.Dense(A, b), tanh, maps.Dense(C)])
        grid = self.event[:2]
        return maps.Composition([maps.Conv2D(A, b, grid=self.event), tanh, maps.Conv2D(C, grid=(*grid, A.shape[-1]))])

    def jacobians(self):
        return oracles.jacobian(self.function(self.weights), self.x)


def value_and_gradients(estimator, net, x, weights, seed=None, branch="map"):
    tensors = [x, *weights]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        _, nats = estimator(_branch(net, weights, branch), x, seed)
        total = tf.reduce_sum(nats)
    return nats, tape.gradient(total, tensors)


def _branch(net, weights, kind):
    return net.map(weights) if kind == "map" else maps.Taped(net.function(weights))


def exact_series_gradients(net, num_terms):
    tensors = [net.x, *net.weights]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        jacobians = oracles.jacobian(net.function(tensors[1:]), tensors[0])
        total = tf.reduce_sum(oracles.truncated_series(jacobians, num_terms))
    # The last bias enters no Jacobian; x and all other weights do.
    return tape.gradient(total, tensors)


@pytest.mark.parametrize("branch", ["map", "taped"])
@pytest.mark.parametrize("name", NAMES)
def test_exact_value_is_that_of_slogdet(name, branch):
    net = Net(name)
    value, nats = log_det.ExactLogDet()(_branch(net, net.weights, branch), net.x)
    expected = oracles.log_abs_det(np.eye(net.x[0].shape.num_elements()) + net.jacobians())
    assert np.abs(expected).max() > 0.2
    np.testing.assert_allclose(nats, expected, rtol=1e-9)
    np.testing.assert_allclose(value, net.function(net.weights)(net.x), rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_of_the_exact_value_is_that_of_slogdet(name):
    net = Net(name)
    _, gradients = value_and_gradients(log_det.ExactLogDet(), net, net.x, net.weights)
    tensors = [net.x, *net.weights]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        jacobians = oracles.jacobian(net.function(tensors[1:]), tensors[0])
        total = tf.reduce_sum(tf.linalg.slogdet(tf.eye(jacobians.shape[-1], dtype=tf.float64) + jacobians)[1])
    for gradient, expected in zip(gradients, tape.gradient(total, tensors), strict=True):
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_exact_value_in_any_dimension_whatever_the_sign_of_the_determinant(size):
    rng = np.random.default_rng(size)
    kernel = 2 * rng.normal(size=(size, size))  # log|det| is defined for a branch that does not contract, too
    nats = log_det.ExactLogDet()(maps.Dense(tf.constant(kernel)), tf.zeros((2, size), tf.float64))[1]
    np.testing.assert_allclose(nats, np.full(2, oracles.log_abs_det(np.eye(size) + kernel)), rtol=1e-10)


@pytest.mark.parametrize("estimator", SERIES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num_terms", [1, 2, 3, 6])
def test_series_over_all_sign_vectors_is_exact_in_value_and_gradient(monkeypatch, estimator, name, num_terms):
    # The mean of v^T A v over all 2^D sign vectors is tr A: no chance is left.
    net = Net(name)
    size = net.x[0].shape.num_elements()
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=size)))
    probes = np.repeat(signs[:, None], len(net.x), 1).reshape(-1, *net.event)
    monkeypatch.setattr(log_det, "rademacher", lambda seed, num_probes, x: tf.constant(probes))
    nats, gradients = value_and_gradients(estimator(num_terms, len(signs)), net, net.x, net.weights, seed=0)
    expected = oracles.truncated_series(net.jacobians(), num_terms)
    assert np.abs(expected).max() > 0.2
    np.testing.assert_allclose(nats, expected, rtol=1e-9)
    for gradient, exact in zip(gradients, exact_series_gradients(net, num_terms), strict=True):
        assert np.abs(exact).max() > 1e-3
        np.testing.assert_allclose(gradient, exact, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("estimator", SERIES)
@pytest.mark.parametrize("name", NAMES)
def test_series_is_unbiased_for_the_truncated_sum(estimator, name):
    net, num_terms, copies = Net(name), 3, 20_000
    x = tf.repeat(net.x, copies, 0)
    _, nats = estimator(num_terms)(net.map(net.weights), x, (5, 6))
    samples = np.reshape(nats, (3, copies)).T
    exact = oracles.truncated_series(net.jacobians(), num_terms).numpy()
    oracles.assert_mean(samples, exact)
    # The test can tell: with a term less or more, or none, it would be far off.
    for other in (0, exact - oracles.truncated_series(net.jacobians(), 2), exact / 3):
        assert np.abs(exact - other).max() > 10 * samples.std() / np.sqrt(copies)


@pytest.mark.parametrize("estimator", SERIES)
@pytest.mark.parametrize("name", NAMES)
def test_gradient_of_the_series_is_unbiased_for_every_weight(estimator, name):
    net, num_terms, copies, runs = Net(name), 3, 200, 60
    x = tf.repeat(net.x, copies, 0)

    @tf.function(autograph=False)
    def run(seed):
        _, gradients = value_and_gradients(estimator(num_terms), net, x, net.weights, seed)
        shape = (len(net.x), copies, *net.event)
        return [tf.reduce_mean(tf.reshape(gradients[0], shape), 1), *[g / copies for g in gradients[1:]]]

    samples = zip(*[run(tf.constant([seed, 7])) for seed in range(runs)], strict=True)
    for sample, exact in zip(samples, exact_series_gradients(net, num_terms), strict=True):
        sample = np.stack(sample)
        oracles.assert_mean(sample, exact)
        assert np.abs(exact).max() > 20 * np.max(sample.std(0)) / np.sqrt(runs)


@pytest.mark.parametrize("num_probes", [1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_series_is_that_of_its_probes(name, num_probes):
    net, num_terms = Net(name), 4
    for estimator in SERIES:
        _, nats = estimator(num_terms, num_probes)(net.map(net.weights), net.x, (1, 2))
        probes = np.reshape(log_det.rademacher((1, 2), num_probes, net.x), (num_probes, len(net.x), -1))
        power, expected = probes, 0
        for k in range(1, num_terms + 1):
            power = np.einsum("bij,pbj->pbi", net.jacobians(), power)
            expected += (-1) ** (k + 1) / k * np.einsum("pbi,pbi->pb", probes, power)
        np.testing.assert_allclose(nats, expected.mean(0), rtol=1e-9)


@pytest.mark.parametrize("num_probes", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_explicit_derivatives_and_gradient_tape_agree(name, dtype, num_probes):
    net = Net(name, dtype=dtype)
    estimator = log_det.SeriesLogDet(5, num_probes)
    explicit, taped = (
        value_and_gradients(estimator, net, net.x, net.weights, (1, 2), branch) for branch in ("map", "taped")
    )
    np.testing.assert_allclose(explicit[0], taped[0], atol=1e-5)
    for a, b in zip(explicit[1], taped[1], strict=True):
        assert np.abs(b).max() > 1e-3
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_truncation_error_is_within_its_bound():
    size, norm = 4, 0.9
    kernel = norm * np.linalg.qr(np.random.default_rng(0).normal(size=(size, size)))[0]
    exact = oracles.log_abs_det(np.eye(size) + kernel)
    for num_terms in (1, 3, 8):
        series = float(oracles.truncated_series(tf.constant(kernel), num_terms))
        bound = -size * (np.log1p(-norm) + sum(norm**k / k for k in range(1, num_terms + 1)))
        assert abs(exact - series) <= bound


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    "estimator", [log_det.ExactLogDet(), log_det.SeriesLogDet(4, 2), log_det.BackpropSeriesLogDet(4, 2)]
)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.sweep(5)
def test_compiled_values_and_gradients_are_the_eager_ones(name, estimator, jit_compile):
    net = Net(name)

    def compute(x, weights, seed):
        return value_and_gradients(estimator, net, x, weights, seed)

    eager = compute(net.x, net.weights, tf.constant([1, 2]))
    compiled = tf.function(compute, jit_compile=jit_compile, autograph=False)(net.x, net.weights, tf.constant([1, 2]))
    np.testing.assert_allclose(compiled[0], eager[0], rtol=1e-9)
    for a, b in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)


def test_graph_of_the_gradient_grows_by_one_product_a_term():
    # Memory that does not depend on the number of terms: no term is differentiated, so none adds more than J^T u.
    net = Net("dense")

    def operations(num_terms):
        def compute(x, weights):
            return value_and_gradients(log_det.SeriesLogDet(num_terms), net, x, weights, (1, 2))[1]

        # Gradients of <w, J v> stop at w: what is left after pruning is what a step computes.
        concrete = tf.function(compute, autograph=False).get_concrete_function(net.x, net.weights)
        return sum(operation.type == "MatMul" for operation in concrete.graph.get_operations())

    product = 2  # J^T u of a branch with two matrices
    assert operations(8) - operations(4) == 4 * product


def test_rademacher_probes_are_independent_signs():
    x = tf.zeros((5000, 3), tf.float64)
    probes = log_det.rademacher((1, 2), 2, x).numpy()
    assert probes.dtype == np.float64
    assert set(np.unique(probes)) == {-1.0, 1.0}
    columns = np.concatenate(np.split(probes, 2), 1)  # both probes of an example side by side
    products = np.einsum("ni,nj->nij", columns, columns)
    oracles.assert_mean(columns, np.zeros(6))
    oracles.assert_mean(products, np.eye(6))
    np.testing.assert_array_equal(probes, log_det.rademacher((1, 2), 2, x))
    assert (probes != log_det.rademacher((1, 3), 2, x).numpy()).any()


@pytest.mark.parametrize("estimator", SERIES)
@pytest.mark.parametrize(
    ("name", "count"), [("num_terms", 0), ("num_terms", 2.5), ("num_probes", -1), ("num_probes", True)]
)
def test_series_refuses_what_is_no_count(estimator, name, count):
    with pytest.raises(ValueError, match=rf"`{name}` must be an integer of at least 1\. Received: {name}={count}"):
        estimator(**{name: count})


@pytest.mark.parametrize("estimator", SERIES)
def test_series_without_a_seed_is_refused(estimator):
    net = Net("dense")
    with pytest.raises(ValueError, match=r"needs a `seed`. Received: seed=None"):
        estimator()(net.map(net.weights), net.x, None)


@pytest.mark.parametrize("estimator", [log_det.ExactLogDet(), *[series(3, 2) for series in SERIES]])
def test_config_gives_the_estimator_back(estimator):
    assert type(estimator).from_config(estimator.get_config()) == estimator


def bent(x):
    return tf.tanh(x), 1 - tf.tanh(x) ** 2


def test_a_chain_in_bfloat16_changes_value_and_gradient_by_its_rounding():
    A, b, C = (tf.constant(weight, tf.float32) for weight in dense_weights(0.95))
    x = tf.random.stateless_normal((200, 4), (1, 2))
    found = {}
    for estimator in (log_det.SeriesLogDet(6), log_det.MixedSeriesLogDet(6)):
        with tf.GradientTape() as tape:
            tape.watch([A, b, C, x])
            g = maps.Composition([maps.Dense(A, b), maps.Elementwise(bent), maps.Dense(C)])
            value, nats = estimator(g, x, (3, 4))
            total = tf.reduce_mean(nats) + tf.reduce_mean(value**2)
        found[type(estimator)] = value, nats, tape.gradient(total, [A, b, C, x])
    (value, nats, gradients), (low_value, low_nats, low_gradients) = found.values()
    np.testing.assert_array_equal(low_value, value)
    assert np.abs(nats).mean() > 0.2
    assert 1e-5 < np.abs(low_nats - nats).mean() / np.abs(nats).mean() < 0.01
    for ours, low in zip(gradients, low_gradients, strict=True):
        assert 1e-6 < np.linalg.norm(low - ours) / np.linalg.norm(ours) < 0.01


def test_a_chain_in_bfloat16_needs_maps_that_show_their_weights():
    g = maps.Elementwise(lambda x: (x / 2, tf.ones_like(x) / 2))
    with pytest.raises(ValueError, match="must show its weights"):
        log_det.MixedSeriesLogDet()(g, tf.ones((1, 2)), (1, 2))
