import numpy as np
import oracles
import pytest
import tensorflow as tf

from keras_iresnet.ops import maps
from keras_iresnet.ops.fixed_point import FixedPoint, default_tolerance, fixed_point

BATCH, SIZE, HIDDEN = 5, 4, 7


def contraction(norm=0.9, seed=0):
    """Weights of g(x) = tanh(x A + b) C with Lip(g) <= norm, nearly attained."""
    rng = np.random.default_rng(seed)
    A, C = rng.normal(size=(SIZE, HIDDEN)), rng.normal(size=(HIDDEN, SIZE))
    root = np.sqrt(norm)
    return root * A / oracles.norm(A), 0.1 * rng.normal(size=HIDDEN), root * C / oracles.norm(C)


def branch(weights, kind="callable"):
    A, b, C = weights
    if kind == "callable":
        return lambda x: tf.matmul(tf.tanh(tf.matmul(x, A) + b), C)
    tanh = maps.Elementwise(lambda x: (tf.tanh(x), 1 - tf.tanh(x) ** 2))
    return maps.Composition([maps.Dense(A, b), tanh, maps.Dense(C)])


def points(dtype="float64", seed=1):
    return tf.constant(np.random.default_rng(seed).normal(size=(BATCH, SIZE)), dtype)


def weights_as(dtype, norm=0.9):
    return [tf.constant(weight, dtype) for weight in contraction(norm)]


def solve_with_numpy(y, A, b, C, steps=400):
    x = y
    for _ in range(steps):
        x = y - np.tanh(x @ A + b) @ C
    return x


@pytest.mark.parametrize("kind", ["callable", "map"])
@pytest.mark.parametrize(("dtype", "error"), [("float64", 1e-12), ("float32", 1e-5)])
def test_solution_gives_the_point_back(dtype, error, kind):
    g, x = branch(weights_as(dtype), kind), points(dtype)
    y = x + g(x)
    assert np.abs(y - x).max() > 0.1
    result = fixed_point(g, y)
    assert np.abs(result.x - x).max() <= error * np.abs(x).max()
    assert result.converged.numpy().all()
    assert (result.residual.numpy() <= default_tolerance(dtype)).all()
    assert result.x.dtype == result.residual.dtype == dtype


def test_steps_follow_the_contraction_rate():
    y = tf.ones((1, 1), tf.float64)
    result = fixed_point(lambda x: 0.5 * x, y, tolerance=1e-6)
    # x_n - x_(n-1) = -(-1/2)^n, over sqrt(1) + 1: the first n with 2^-n / 2 <= 1e-6 is 19, and a step more is taken.
    assert result.steps.numpy() == [20]
    assert result.moved.numpy() == pytest.approx(2.0**-20)
    assert result.residual.numpy() == pytest.approx(abs(1.5 * float(result.x[0, 0]) - 1) / 2)


def test_tolerance_and_max_steps_are_obeyed():
    g, y = branch(weights_as("float64")), points()
    loose = fixed_point(g, y, tolerance=1e-3)
    assert loose.converged.numpy().all()
    assert (loose.residual.numpy() <= 1e-3).all()
    assert (loose.steps < fixed_point(g, y).steps).numpy().all()
    stopped = fixed_point(g, y, max_steps=2)
    assert (stopped.steps.numpy() == 2).all()
    assert not stopped.converged.numpy().any()


def circle(norm, size, rng):
    """All eigenvalues of one magnitude: every direction is as slow as any."""
    return norm * np.linalg.qr(rng.normal(size=(size, size)))[0]


def one_slow_direction(norm, size, rng):
    """The first steps shrink fast, and what is left over slowly."""
    fast, slow = rng.normal(size=(size, size)), rng.normal(size=size)
    return 0.05 * fast / oracles.norm(fast) + (norm - 0.05) * np.outer(slow, slow) / (slow @ slow)


def shifted(norm, size, rng):
    """A Jacobian without eigenvalues, whose powers do not shrink until they vanish."""
    del rng
    return norm * np.eye(size, k=1)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-7])
@pytest.mark.parametrize("norm", [0.3, 0.73, 0.95])
@pytest.mark.parametrize("matrix", [circle, one_slow_direction, shifted])
@pytest.mark.sweep(5)
def test_predicted_residuals_hold(matrix, norm, tolerance):
    rng = np.random.default_rng(0)
    weight, y = matrix(norm, 8, rng), 3 * rng.normal(size=(50, 8))
    result = fixed_point(maps.Dense(tf.constant(weight)), tf.constant(y), tolerance=tolerance)
    assert result.converged.numpy().all()
    x = result.x.numpy()
    residual = np.linalg.norm(x + x @ weight - y, axis=1) / (np.sqrt(8) + np.linalg.norm(y, axis=1))
    # Where hardly anything of a slow direction is in the first steps, no prediction sees it.
    assert residual.max() <= (10 if matrix is one_slow_direction else 1) * tolerance
    assert (residual <= 5 * result.residual.numpy() + 1e-15).all()
    error = np.linalg.norm(x - y @ np.linalg.inv(np.eye(8) + weight), axis=1)
    assert (error <= norm / (1 - norm) * result.moved.numpy() + 1e-12).all()


def test_no_step_is_taken_for_the_proof_alone():
    rng = np.random.default_rng(0)
    weight, y = circle(0.03, 8, rng), tf.constant(rng.normal(size=(50, 8)))
    result = fixed_point(maps.Dense(tf.constant(weight)), y, tolerance=1e-6)
    error = np.abs(result.x - y.numpy() @ np.linalg.inv(np.eye(8) + weight)).max()
    assert result.steps.numpy().max() == 5  # 0.03^4 is 8e-7; that it goes on like this is not taken for granted
    assert error < 1e-6


def test_a_fast_contraction_that_becomes_slow_with_the_last_step_is_no_trap():
    """x -> 0.01 of the next coordinate twice, then 0.9 of it: two steps that say nothing of those that come."""
    matrix = np.diag([0.01, 0.01, 0.9, 0.9, 0.9, 0.9, 0.9], k=1)
    y = np.eye(8)[:1]
    for tolerance in 10.0 ** -np.arange(3, 8):
        result = fixed_point(lambda x: tf.matmul(x, matrix), tf.constant(y), tolerance=tolerance)
        residual = np.linalg.norm(result.x + result.x @ matrix - y) / (np.sqrt(8) + 1)
        assert bool(result.converged)
        assert residual <= 4 * tolerance


def test_first_steps_in_fewer_digits_cost_no_accuracy():
    rng = np.random.default_rng(0)
    weight, y = circle(0.5, 8, rng), tf.constant(rng.normal(size=(50, 8)), tf.float32)
    g = maps.Dense(tf.constant(weight, tf.float32))
    found = {dtype: FixedPoint(1e-6, 100, dtype)(g, y) for dtype in (None, "bfloat16")}
    exact = y.numpy() @ np.linalg.inv(np.eye(8) + weight)
    for result in found.values():
        assert result.converged.numpy().all()
        assert np.abs(result.x - exact).max() < 3e-6
    assert found["bfloat16"].steps.numpy().max() <= found[None].steps.numpy().max() + 2
    assert np.abs(found["bfloat16"].x - found[None].x).max() > 0  # another way was gone


def test_solution_of_a_sample_does_not_depend_on_its_batch():
    def g(x):
        return 0.9 * tf.sin(x)  # elementwise: the same rounding in any batch

    y = tf.constant([[0.1, 0.0], [3.0, -2.0], [0.5, 0.7]], tf.float64)
    together = fixed_point(g, y)
    assert len(set(together.steps.numpy())) > 1
    for i in range(3):
        alone = fixed_point(g, y[i : i + 1])
        np.testing.assert_array_equal(alone.x[0], together.x[i])
        assert alone.steps[0] == together.steps[i]
        assert alone.residual[0] == together.residual[i]


def test_map_that_does_not_contract_is_reported_with_its_residual():
    angle = 1.0
    turn = tf.constant([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], tf.float64)
    y = tf.constant([[3.0, 4.0]], tf.float64)
    # An isometry: |x_(n+1) - x_n| stays |y| = 5 for ever.
    result = fixed_point(lambda x: tf.matmul(x, turn), y, max_steps=50)
    assert not result.converged.numpy().any()
    assert result.steps.numpy() == [50]
    assert result.residual.numpy() == pytest.approx(5 / (np.sqrt(2) + 5))


def test_only_the_samples_that_fail_are_reported():
    def g(x):
        return tf.where(tf.abs(x) < 10, 0.5 * x, -3.0 * x)

    result = fixed_point(g, tf.constant([[1.0], [20.0], [-2.0]], tf.float64), max_steps=100)
    assert result.converged.numpy().tolist() == [True, False, True]
    np.testing.assert_allclose(result.x[::2, 0], [1 / 1.5, -2 / 1.5], rtol=1e-12)
    assert result.residual[1] > 1


def test_divergence_to_infinity_and_nan_are_not_convergence():
    y = tf.constant([[1.0], [np.nan]], tf.float32)
    result = fixed_point(lambda x: -3.0 * x, y, max_steps=300)
    assert not result.converged.numpy().any()
    assert not (result.residual.numpy() <= 1).any()


@pytest.mark.parametrize("kind", ["callable", "map"])
def test_gradients_agree_with_finite_differences(kind):
    weights, y = contraction(), points().numpy()
    pull = np.random.default_rng(2).normal(size=(BATCH, SIZE))
    tensors = [tf.constant(value) for value in (y, *weights)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        x = fixed_point(branch(tensors[1:], kind), tensors[0]).x
        total = tf.reduce_sum(pull * x)
    gradients = tape.gradient(total, tensors)
    for i, gradient in enumerate(gradients):

        def scalar(value, i=i):
            values = [y, *weights]
            values[i] = value
            return np.sum(pull * solve_with_numpy(*values))

        expected = oracles.difference_gradient(scalar, [y, *weights][i])
        assert np.abs(expected).max() > 0.05
        np.testing.assert_allclose(gradient, expected, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-4, 1e-8, 1e-12])
def test_gradient_is_as_accurate_for_a_small_loss(scale):
    g, y = branch(weights_as("float64")), points()

    def gradient(scale):
        with tf.GradientTape() as tape:
            tape.watch(y)
            loss = scale * tf.reduce_sum(fixed_point(g, y).x)
        return tape.gradient(loss, y) / scale

    np.testing.assert_allclose(gradient(scale), gradient(1.0), rtol=1e-9)


def test_gradient_of_samples_without_influence_is_zero():
    g, y = branch(weights_as("float64")), points()
    with tf.GradientTape() as tape:
        tape.watch(y)
        loss = tf.reduce_sum(fixed_point(g, y).x[:2])
    gradient = tape.gradient(loss, y).numpy()
    assert np.abs(gradient[:2]).min() > 0
    np.testing.assert_array_equal(gradient[2:], 0)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("kind", ["callable", "map"])
@pytest.mark.sweep(2)
def test_compiled_solution_and_gradients_are_the_eager_ones(kind, jit_compile):
    tensors = [points(), *weights_as("float64")]

    def solve(tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            result = fixed_point(branch(tensors[1:], kind), tensors[0])
            total = tf.reduce_sum(result.x**2)
        return result, tape.gradient(total, tensors)

    result, gradients = solve(tensors)
    compiled, compiled_gradients = tf.function(solve, jit_compile=jit_compile, autograph=False)(tensors)
    np.testing.assert_allclose(compiled.x, result.x, rtol=1e-12)
    assert compiled.converged.numpy().all()
    for a, b in zip(compiled_gradients, gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
