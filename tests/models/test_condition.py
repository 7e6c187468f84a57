import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain, ConvBranch, DenseBranch, FactorOut, InvertibleResidualBlock, Squeeze
from keras_iresnet.layers.condition import as_condition

EXACT = ki.ExactLogDet()
SIZE = 3


def dense_layer(dtype="float64", size=SIZE):
    branch = DenseBranch((8, 8), condition_size=size, dtype=dtype)
    return Chain([ActNorm(dtype=dtype), InvertibleResidualBlock(branch, estimator=EXACT, dtype=dtype)], dtype=dtype)


def image_layer(dtype="float64"):
    def block():
        return InvertibleResidualBlock(ConvBranch(6, condition_size=SIZE, dtype=dtype), dtype=dtype)

    inner = Chain([Squeeze(dtype=dtype), block()], dtype=dtype)
    return Chain([Squeeze(dtype=dtype), block(), FactorOut(inner, dtype=dtype)], dtype=dtype)


def built(layer, event):
    layer.build((None, *event))
    return oracles.leave_identity(layer)


@pytest.fixture(scope="module", params=["points", "images"])
def case(request):
    """A float64 layer far from the identity, with data and conditions."""
    keras.utils.set_random_seed(1)  # a module's fixtures come before the seed of each test
    layer, event = (dense_layer(), (2,)) if request.param == "points" else (image_layer(), (4, 4, 1))
    rng = np.random.default_rng(0)
    return built(layer, event), tf.constant(rng.normal(size=(5, *event))), tf.constant(5 * rng.normal(size=(5, SIZE)))


class TestLayers:
    def test_log_det_is_that_of_the_jacobian_at_each_condition(self, case):
        layer, x, condition = case
        y, log_det = layer.forward_and_log_det(x, estimator=EXACT, condition=condition)
        expected = oracles.log_abs_det(oracles.jacobian(lambda x: layer(x, condition=condition), x))
        assert np.abs(expected).min() > 0.1
        np.testing.assert_allclose(log_det, expected, rtol=1e-8)
        np.testing.assert_allclose(layer(x, condition=condition), y, rtol=1e-12)
        other = layer.forward_and_log_det(x, estimator=EXACT, condition=-condition)
        assert np.abs(other[0] - y).max() > 0.1
        assert np.abs(other[1] - log_det).max() > 0.01

    def test_inverse_needs_the_same_condition(self, case):
        layer, x, condition = case
        y = layer(x, condition=condition)
        np.testing.assert_allclose(layer.inverse(y, condition=condition), x, rtol=0, atol=1e-10)
        assert np.abs(layer.inverse(y, condition=-condition) - x).max() > 0.1

    def test_blocks_contract_whatever_the_condition(self, case):
        layer, x, condition = case
        part = next(part for part in layer.layers if isinstance(part, InvertibleResidualBlock))
        x = tf.random.stateless_normal((5, *part.input_spec.shape[1:]), (1, 2), dtype=tf.float64)
        for scale in (1, 1e3):
            jacobian = oracles.jacobian(lambda x, scale=scale: part.branch(x, condition=scale * condition), x)
            assert np.max(np.linalg.norm(jacobian, 2, (1, 2))) < 0.9**3 + 1e-6

    def test_examples_see_their_own_condition(self, case):
        layer, x, condition = case
        alone = [layer(x[i : i + 1], condition=condition[i : i + 1])[0] for i in range(5)]
        np.testing.assert_allclose(layer(x, condition=condition), alone, rtol=1e-12)

    def test_untrained_branch_does_not_see_its_condition(self):
        branch = DenseBranch((8,), condition_size=SIZE)
        branch.build((None, 2))
        x = tf.ones((4, 2))
        np.testing.assert_array_equal(branch(x, condition=tf.ones((4, SIZE))), branch(x, condition=tf.zeros((4, SIZE))))

    def test_inverse_carries_the_gradient_to_condition_and_weights(self):
        layer = built(dense_layer(), (2,))
        y = tf.constant(np.random.default_rng(0).normal(size=(4, 2)))
        start = np.random.default_rng(1).normal(size=(4, SIZE))

        def total(condition):
            return tf.reduce_sum(layer.inverse(y, condition=tf.convert_to_tensor(condition)) ** 2)

        condition = tf.constant(start)
        with tf.GradientTape() as tape:
            tape.watch(condition)
            value = total(condition)
        expected = oracles.difference_gradient(total, start)
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(tape.gradient(value, condition), expected, rtol=1e-5, atol=1e-7)

    def test_condition_that_is_missing_or_not_asked_for_is_refused(self):
        for size, condition in [(SIZE, None), (None, tf.zeros((4, SIZE)))]:
            branch = DenseBranch((8,), condition_size=size)
            branch.build((None, 2))
            with pytest.raises(ValueError, match="condition_size"):
                branch(tf.ones((4, 2)), condition=condition)

    def test_branch_comes_back_from_its_config(self):
        branch = ConvBranch(4, condition_size=SIZE)
        assert ConvBranch.from_config(branch.get_config()).condition_size == SIZE


def labelled(count=300):
    """Points (count, 2) around one of three centres on a line, and which."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, SIZE, count)
    centres = np.array([[-3.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    return (centres[labels] + 0.3 * rng.normal(size=(count, 2))).astype("float32"), labels


@pytest.fixture(scope="module")
def trained():
    """A flow of p(point | label), fitted, with the file it was saved to."""
    keras.utils.set_random_seed(1)
    blocks = [part for _ in range(3) for part in dense_layer("float32").layers]
    flow = ki.Flow(Chain([*blocks, ActNorm()]), (2,), condition_size=SIZE, seed=1)
    flow.compile(keras.optimizers.Adam(0.02))
    x, labels = labelled()
    pairs = tf.data.Dataset.from_tensor_slices((x, labels)).batch(100)
    flow.fit(pairs, epochs=60, validation_data=pairs, verbose=0)
    return flow


class TestFlow:
    @pytest.mark.slow
    def test_fit_learns_the_classes_apart(self, trained):
        x, labels = labelled()
        nats = np.stack([trained.log_prob(x, condition=np.full(len(x), c)) for c in range(SIZE)], -1)
        assert np.mean(nats.argmax(-1) != labels) < 0.02
        truth = -np.log(2 * np.pi * 0.3**2) - 1  # the mean of the true log-density
        assert nats[np.arange(len(x)), labels].mean() > truth - 0.3

    def test_it_is_initialised_from_many_examples(self):
        flow = ki.Flow(dense_layer("float32"), (2,), condition_size=SIZE, seed=1)
        x, labels = labelled(1500)
        flow.initialize(x)
        z = flow.forward(x, condition=labels)
        np.testing.assert_allclose(flow.prior.loc.numpy(), np.mean(z, 0), atol=1e-4)

    def test_samples_are_those_of_their_class(self, trained):
        samples = trained.sample(condition=np.repeat([0, 1, 2], 100), seed=1).numpy().reshape(3, 100, 2)
        np.testing.assert_allclose(samples.mean(1), [[-3, 0], [0, 2], [3, 0]], atol=0.3)

    def test_each_conditional_density_integrates_to_1(self, trained):
        side = np.linspace(-8, 8, 401).astype("float32")
        grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
        for label in range(SIZE):
            density = np.exp(trained.log_prob(grid, condition=np.full(len(grid), label)))
            assert density.sum() * 0.04**2 == pytest.approx(1, abs=0.01)

    def test_labels_are_unit_vectors(self, trained):
        x, labels = labelled(7)
        vectors = np.eye(SIZE, dtype="float32")[labels]
        np.testing.assert_array_equal(trained.forward(x, condition=labels), trained.forward(x, condition=vectors))

    def test_evaluate_predict_and_call_take_pairs(self, trained):
        x, labels = labelled(50)
        nats = trained.log_prob(x, condition=labels).numpy()
        np.testing.assert_allclose(trained.predict((x, labels), verbose=0), nats, rtol=1e-4, atol=1e-4)
        assert trained.evaluate(x, labels, verbose=0)[0] == pytest.approx(-nats.mean(), rel=1e-4)
        pairs = tf.data.Dataset.from_tensor_slices((x, labels)).batch(20)
        np.testing.assert_allclose(trained.predict(pairs, verbose=0), nats, rtol=1e-4, atol=1e-4)
        with pytest.raises(ValueError, match="Received: examples alone"):
            trained(x)

    def test_saved_flow_gives_the_same_density(self, trained, tmp_path):
        x, labels = labelled(9)
        trained.save(tmp_path / "flow.keras")
        loaded = keras.saving.load_model(tmp_path / "flow.keras")
        expected = trained.log_prob(x, condition=labels)
        np.testing.assert_allclose(loaded.log_prob(x, condition=labels), expected, rtol=1e-6)

    def test_bijector_takes_conditions_of_a_batch(self, trained):
        x, labels = labelled(6)
        vectors = np.eye(SIZE, dtype="float32")[labels]
        expected = trained.log_prob(x, condition=labels)
        nats = trained.distribution.log_prob(x, bijector_kwargs={"condition": tf.constant(vectors)})
        np.testing.assert_allclose(nats, expected, rtol=1e-5, atol=1e-5)
        samples = trained.distribution.sample((4, 6), seed=(1, 2), bijector_kwargs={"condition": tf.constant(vectors)})
        assert samples.shape == (4, 6, 2)
        assert np.linalg.norm(samples - x, axis=-1).max() < 2.5  # the centres are 3.6 apart

    def test_condition_that_does_not_fit_is_refused(self, trained):
        x, _ = labelled(4)
        with pytest.raises(ValueError, match="condition_size=3, condition=none"):
            trained.log_prob(x)
        with pytest.raises(ValueError, match=r"Labels must lie in \[0, 3\). Received: 3"):
            trained.log_prob(x, condition=[0, 1, 2, 3])
        with pytest.raises(ValueError, match=r"vectors \(batch, 3\). Received: float32 of shape \(4, 2\)"):
            trained.log_prob(x, condition=np.zeros((4, 2), "float32"))
        for alone in (x, tf.data.Dataset.from_tensors(x)):
            with pytest.raises(ValueError, match=r"pairs \(examples, conditions\).*Received: examples alone"):
                trained.fit(alone, verbose=0)
        with pytest.raises(ValueError, match="n=None"):
            ki.zoo.toy_flow(blocks=1, units=(4,)).sample()

    def test_digits_are_drawn_by_label(self):
        flow = ki.zoo.digits_flow(blocks=(1,), channels=4, conditional=True)
        assert flow.condition_size == 10
        assert flow.sample(condition=[3, 7], seed=1).shape == (2, 8, 8, 1)


@pytest.fixture(scope="module")
def moved():
    """A flow of p(x | c) far from the identity, and from being the same for all c."""
    keras.utils.set_random_seed(1)
    flow = ki.Flow(dense_layer("float32"), (2,), condition_size=SIZE, seed=1)
    oracles.leave_identity(flow)
    for weight in flow.trainable_weights:
        if weight.name == "condition_kernel":
            weight.assign(3 * np.random.default_rng(0).normal(size=weight.shape))
    return flow


class TestLabelsInDistributions:
    """Labels are labels there as in `log_prob`, also where there are as many points as classes."""

    @pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
    def test_labels_are_those_of_log_prob(self, moved, dtype):
        x, labels = labelled(SIZE)
        labels = np.arange(SIZE).astype(dtype)
        wanted = moved.log_prob(x, condition=labels, estimator=EXACT)
        assert np.ptp(wanted) > 1
        for condition in (labels, tf.one_hot(labels.astype(int), SIZE)):
            found = moved.distribution.log_prob(x, bijector_kwargs={"condition": condition})
            np.testing.assert_allclose(found, wanted, rtol=1e-5)
        z = moved.bijector.forward(tf.constant(x), condition=labels)
        np.testing.assert_allclose(z, moved.forward(x, condition=labels), rtol=1e-5)
        np.testing.assert_allclose(moved.bijector.inverse(tf.identity(z), condition=labels), x, atol=1e-4)

    def test_labels_are_broadcast_as_vectors_are(self, moved):
        x = tf.reshape(labelled(4 * SIZE)[0], (4, SIZE, 2))
        labels = np.arange(SIZE)
        found = moved.distribution.log_prob(x, bijector_kwargs={"condition": labels})
        for i in range(4):
            np.testing.assert_allclose(found[i], moved.log_prob(x[i], condition=labels, estimator=EXACT), rtol=1e-5)

    @pytest.mark.parametrize(
        ("condition", "message"),
        [
            (None, "`condition` must be given if and only if"),
            (np.array([0, 1, SIZE, 0]), rf"must lie in \[0, {SIZE}\)"),
            (np.array([0.0, 1.0, 0.0, 1.0]), "`condition` must be integer labels"),
            (np.zeros((4, SIZE + 1)), "`condition` must be integer labels"),
            (np.array([0, 1]), r"of shape \(4,\) or what can be broadcast\. Received: int64 of shape \(2,\)"),
        ],
    )
    def test_what_is_no_condition_is_refused(self, moved, condition, message):
        x = labelled(4)[0]
        with pytest.raises(ValueError, match=message):
            moved.distribution.log_prob(x, bijector_kwargs={} if condition is None else {"condition": condition})


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int64"])
def test_labels_of_small_types_are_labels(dtype):
    size = 128 if dtype == "int8" else 256
    labels = np.array([0, size - 1], dtype)
    found = as_condition(labels, size, "float32").numpy()
    np.testing.assert_array_equal(found.argmax(1), [0, size - 1])
    if dtype not in ("uint8", "int8"):
        with pytest.raises(ValueError, match=rf"\[0, {size}\)\. Received: {size}"):
            as_condition(np.array([size], dtype), size, "float32")


def test_there_must_be_a_condition_for_each_example(moved):
    x, labels = labelled(5)
    for ask in (moved.log_prob, moved.forward, moved.forward_and_log_det):
        with pytest.raises(ValueError, match=r"`condition` for each example\. Received: 4 of them, for 5 examples"):
            ask(x, condition=labels[:4])
    with pytest.raises(ValueError, match="Received: 4 of them, for 5 examples"):
        moved.sample(5, condition=labels[:4])
