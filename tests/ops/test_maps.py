import numpy as np
import oracles
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_iresnet.ops import maps

rng = np.random.default_rng(5)


def tensor(*shape):
    return tf.constant(rng.normal(size=shape))


def tanh():
    return maps.Elementwise(lambda x: (tf.tanh(x), 1 - tf.tanh(x) ** 2))


def conv(*shape, **options):
    return maps.Conv2D(tensor(*shape), tensor(shape[-1]), grid=(4, 5, shape[2]), **options)


# name: map, shape of its inputs without the batch
MAPS = {
    "dense": (maps.Dense(tensor(4, 3), tensor(3)), (4,)),
    "dense without bias": (maps.Dense(tensor(4, 3)), (4,)),
    "convolution": (conv(3, 3, 2, 3), (4, 5, 2)),
    "convolution, even kernel": (conv(2, 4, 2, 3), (4, 5, 2)),
    "convolution, 1x1": (conv(1, 1, 2, 3), (4, 5, 2)),
    "convolution, valid": (conv(3, 2, 2, 3, padding="VALID"), (4, 5, 2)),
    "convolution, strided": (conv(3, 3, 2, 3, strides=2), (4, 5, 2)),
    "convolution, narrowing": (conv(3, 3, 3, 2), (4, 5, 3)),
    "convolution, narrowing, 5x1": (conv(5, 1, 3, 1), (4, 5, 3)),
    "convolution, narrowing, strided": (conv(3, 3, 3, 2, strides=2), (4, 5, 3)),
    "convolution, narrowing, valid": (conv(3, 3, 3, 2, padding="VALID"), (4, 5, 3)),
    "convolution, 1x1, strided": (conv(1, 1, 2, 3, strides=2), (4, 5, 2)),
    "elementwise": (tanh(), (3, 2)),
    "mask": (maps.Mask(0.4, tf.constant([3, 4])), (3, 5)),
    "scale": (maps.Scale(0.7), (3, 2)),
    "maxmin": (maps.MaxMin(), (6,)),
    "maxmin on a grid": (maps.MaxMin(), (2, 3, 4)),
    "cast": (maps.Cast("float64"), (3,)),
    "composition": (
        maps.Composition([maps.Dense(tensor(4, 6)), maps.MaxMin(), tanh(), maps.Dense(tensor(6, 3), tensor(3))]),
        (4,),
    ),
    "composition of nothing": (maps.Composition([]), (3,)),
    "taped": (maps.Taped(lambda x: tf.sin(x) * tf.reduce_sum(x**2, -1, keepdims=True)), (4,)),
    "taped constant": (maps.Taped(lambda x: tf.ones_like(x)), (3,)),
}


def products(jacobians, tangents, transpose):
    """J v or J^T v for v (probes * batch, *event), all examples of the first probe first, by numpy."""
    batch = len(jacobians)
    flat = np.reshape(tangents, (-1, batch, jacobians.shape[1 if transpose else 2]))
    return np.einsum("bij,pbi->pbj" if transpose else "bij,pbj->pbi", jacobians, flat).reshape(len(tangents), -1)


@pytest.mark.parametrize("probes", [1, 3])
@pytest.mark.parametrize("name", MAPS)
def test_products_are_those_of_the_dense_jacobian(name, probes):
    one, event = MAPS[name]
    x = tensor(2, *event)
    value, jvp, vjp = one.linearize(x, probes)
    np.testing.assert_array_equal(value, one(x))
    jacobians = oracles.jacobian(one, x).numpy()
    v, u = tensor(2 * probes, *event), tensor(2 * probes, *value.shape[1:])
    np.testing.assert_allclose(np.reshape(jvp(v), (2 * probes, -1)), products(jacobians, v, False), atol=1e-12)
    np.testing.assert_allclose(np.reshape(vjp(u), (2 * probes, -1)), products(jacobians, u, True), atol=1e-12)
    assert jvp(v).shape == u.shape
    assert vjp(u).shape == v.shape


@pytest.mark.parametrize(
    "name", ["composition", "taped", "convolution", "convolution, narrowing", "maxmin on a grid", "mask"]
)
def test_linearization_works_for_an_unknown_batch_size(name):
    one, event = MAPS[name]

    @tf.function(input_signature=[tf.TensorSpec((None, *event), tf.float64)], autograph=False)
    def there_and_back(x):
        _, jvp, vjp = one.linearize(x, 2)
        return vjp(jvp(tf.concat([x, 2 * x], 0)))

    x = tensor(3, *event)
    jacobians = oracles.jacobian(one, x).numpy()
    v = np.concatenate([x, 2 * x])
    image = products(jacobians, v, False)
    np.testing.assert_allclose(
        np.reshape(there_and_back(x), (6, -1)), products(jacobians, image, True), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("name", ["composition", "taped", "elementwise"])
def test_gradients_flow_through_both_products(name):
    one, event = MAPS[name]
    x, v = tensor(1, *event), tensor(1, *event)
    u = tensor(*one(x).shape)

    def pairing(x):
        _, jvp, _ = one.linearize(tf.convert_to_tensor(x))
        return tf.reduce_sum(u * jvp(v))

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        _, jvp, vjp = one.linearize(x)
        forward, backward = tf.reduce_sum(u * jvp(v)), tf.reduce_sum(v * vjp(u))
    expected = oracles.difference_gradient(pairing, x.numpy())
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(tape.gradient(forward, x), expected, atol=1e-6)
    np.testing.assert_allclose(tape.gradient(backward, x), expected, atol=1e-6)


def test_cast_brings_cotangents_back_to_the_type_of_the_input():
    value, jvp, vjp = maps.Cast("bfloat16").linearize(tf.ones((2, 3)))
    assert value.dtype == jvp(tf.ones((2, 3))).dtype == tf.bfloat16
    assert vjp(value).dtype == tf.float32


def test_maxmin_sorts_pairs_downwards():
    x = tf.constant([[1.0, 3.0, 5.0, -2.0], [2.0, 2.0, -1.0, 0.0]])
    np.testing.assert_array_equal(maps.MaxMin()(x), [[3, 1, 5, -2], [2, 2, 0, -1]])


def test_taped_evaluates_its_function_once_per_linearization():
    calls = []

    def noisy(x):
        calls.append(1)
        return x * tf.random.uniform(x.shape, dtype=x.dtype)

    x = tf.ones((1, 3), tf.float64)
    value, jvp, vjp = maps.Taped(noisy).linearize(x)
    np.testing.assert_allclose(jvp(x), value)
    np.testing.assert_allclose(vjp(x), value)
    assert len(calls) == 1


@given(
    sides=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    grid=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    strides=st.integers(1, 3),
    padding=st.sampled_from(["same", "valid"]),
)
def test_convolution_and_adjoint_are_a_matrix_and_its_transpose(sides, grid, strides, padding):
    if padding == "valid":
        grid = tuple(max(pair) for pair in zip(grid, sides, strict=True))
    kernel = rng.normal(size=(*sides, 2, 3))
    matrix = oracles.convolution_matrix(kernel, grid, strides=strides, padding=padding)
    operator = maps.Conv2D(tf.constant(kernel), grid=(*grid, 2), strides=strides, padding=padding.upper())
    x = tensor(2, *grid, 2)
    y = operator.apply(x)
    np.testing.assert_allclose(np.reshape(y, (2, -1)), np.reshape(x, (2, -1)) @ matrix.T, atol=1e-12)
    cotangent = tensor(*y.shape)
    pulled = operator.adjoint(cotangent)
    np.testing.assert_allclose(np.reshape(pulled, (2, -1)), np.reshape(cotangent, (2, -1)) @ matrix, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in MAPS if name.startswith("convolution")])
def test_convolution_and_its_gradients_are_tensorflows(name):
    one, event = MAPS[name]
    x, kernel = tensor(2, *event), tf.Variable(one.kernel)

    def value_and_gradients(function):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(kernel)
            loss = tf.reduce_sum(tf.sin(y))
        return y, *tape.gradient(loss, [x, kernel])

    options = {"grid": one.grid, "strides": one.strides, "padding": one.padding}
    actual = value_and_gradients(lambda kernel: maps.Conv2D(kernel, **options).apply(x))
    expected = value_and_gradients(lambda kernel: tf.nn.conv2d(x, kernel, one.strides, one.padding))
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_mask_keeps_its_share_and_scales_nothing():
    y = maps.Mask(0.3, tf.constant([1, 2]))(tf.ones((1000, 40))).numpy()
    assert set(np.unique(y)) == {0.0, 1.0}
    assert abs(y.mean() - 0.7) < 4 * np.sqrt(0.3 * 0.7 / y.size)
