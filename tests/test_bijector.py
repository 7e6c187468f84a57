import keras
import numpy as np
import oracles
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_iresnet as ki
from keras_iresnet.layers import (
    ActNorm,
    Chain,
    ConvBranch,
    DenseBranch,
    FactorOut,
    InjectivePad,
    InvertibleResidualBlock,
    Squeeze,
)

tfb, tfd = tfp.bijectors, tfp.distributions
EXACT = ki.ExactLogDet()


def points_layer(dtype="float64", **options):
    block = InvertibleResidualBlock(DenseBranch((8,), dtype=dtype), estimator=EXACT, dtype=dtype, **options)
    return Chain([ActNorm(dtype=dtype), block], dtype=dtype)


def images_layer(dtype="float64"):
    def block():
        branch = ConvBranch(6, dtype=dtype)
        return InvertibleResidualBlock(branch, estimator=ki.SeriesLogDet(25), dtype=dtype)

    inner = Chain([Squeeze(dtype=dtype), block()], dtype=dtype)
    return Chain([Squeeze(dtype=dtype), block(), FactorOut(inner, dtype=dtype)], dtype=dtype)


def view(layer, event_shape, **options):
    bijector = ki.InvertibleResNetBijector(layer, event_shape=event_shape, **options)
    oracles.leave_identity(layer)
    return bijector


def normal(size, dtype="float64", batch=()):
    return tfd.MultivariateNormalDiag(tf.zeros((*batch, size), dtype), tf.ones((*batch, size), dtype))


def data(*shape, dtype="float64"):
    return tf.constant(np.random.default_rng(1).normal(size=shape).astype(dtype))


@pytest.fixture(scope="module")
def points():
    """A float64 bijector of the plane with the exact log-det, far from the identity."""
    keras.utils.set_random_seed(1)  # a module's fixtures come before the seed of each test
    return view(points_layer(), (2,))


@pytest.fixture(scope="module")
def images():
    """A float64 bijector of 4x4 images in two scales, with a stochastic log-det."""
    keras.utils.set_random_seed(1)
    return view(images_layer(), (4, 4, 1))


@pytest.fixture
def solves(monkeypatch):
    """A list that grows by one entry whenever the inverse of a block is solved, or traced."""
    calls = []
    solve = InvertibleResidualBlock._inverse_and_report

    def counted(self, *arguments):
        calls.append(self.name)
        return solve(self, *arguments)

    monkeypatch.setattr(InvertibleResidualBlock, "_inverse_and_report", counted)
    return calls


def is_consistent(bijector, x, estimator=EXACT):
    """Bijectivity, finiteness and log-dets against a dense Jacobian; every call sees a tensor that no cache knows."""
    exact = bijector.copy(estimator=estimator)
    y = exact.forward(x)
    assert np.all(np.isfinite(y))
    np.testing.assert_allclose(exact.inverse(tf.identity(y)), x, rtol=0, atol=1e-9)
    np.testing.assert_allclose(exact.forward(exact.inverse(tf.identity(y))), y, rtol=0, atol=1e-9)
    fldj, ildj = exact.forward_log_det_jacobian(tf.identity(x)), exact.inverse_log_det_jacobian(tf.identity(y))
    expected = oracles.log_abs_det(oracles.jacobian(exact.forward, x))
    assert np.abs(expected).min() > 0.2
    np.testing.assert_allclose(fldj, expected, rtol=1e-5)
    np.testing.assert_allclose(ildj, -fldj, rtol=1e-7)


class TestConsistency:
    def test_points(self, points):
        is_consistent(points, 2 * data(7, 2))

    def test_images_in_several_scales(self, images):
        is_consistent(images, data(3, 4, 4, 1))

    def test_latents_that_are_flattened(self):
        block = InvertibleResidualBlock(ConvBranch(6, dtype="float64"), dtype="float64")
        is_consistent(view(block, (2, 2, 2), flatten=True), data(3, 2, 2, 2))

    def test_stochastic_log_det_has_the_exact_mean(self, images):
        x = data(1, 4, 4, 1)
        nats = images.forward_log_det_jacobian(tf.repeat(x, 1500, 0), seed=3)
        expected = oracles.log_abs_det(oracles.jacobian(images.forward, x))
        assert np.abs(expected) > 0.2
        assert np.std(nats) > 0.01
        oracles.assert_mean(nats.numpy()[:, None], expected)

    def test_seed_fixes_the_probes_and_none_draws_new_ones(self, images):
        x = data(2, 4, 4, 1)

        def draw(bijector, **options):
            return bijector.forward_log_det_jacobian(tf.identity(x), **options).numpy()

        fixed = images.copy(seed=(5, 0))
        np.testing.assert_array_equal(draw(fixed), draw(images, seed=5))
        np.testing.assert_array_equal(draw(fixed), draw(fixed))
        assert np.all(draw(images) != draw(images))
        assert np.all(draw(images, seed=5) != draw(images, seed=6))


class TestShapes:
    @pytest.mark.parametrize("batch", [(), (3,), (2, 0), (2, 1, 3)])
    def test_batches_of_any_rank(self, points, images, batch):
        for bijector, event, latent in [(points, (2,), (2,)), (images, (4, 4, 1), (16,))]:
            x = data(*batch, *event)
            y = bijector.forward(x)
            assert y.shape == (*batch, *latent)
            assert bijector.inverse(tf.identity(y)).shape == x.shape
            assert bijector.forward_log_det_jacobian(x).shape == bijector.inverse_log_det_jacobian(y).shape == batch

    def test_batch_entries_do_not_mix(self, images):
        x = data(2, 3, 4, 4, 1)
        one_by_one = [[images.forward(image) for image in row] for row in x]
        np.testing.assert_allclose(images.forward(x), one_by_one, rtol=1e-12)

    def test_event_shapes_are_known_statically_and_as_tensors(self, images):
        assert images.forward_min_event_ndims == 3
        assert images.inverse_min_event_ndims == 1
        assert images.forward_event_shape((5, 4, 4, 1)) == (5, 16)
        assert images.inverse_event_shape((5, 16)) == (5, 4, 4, 1)
        assert images.forward_event_shape(tf.TensorShape(None)) == (16,)
        assert images.forward_event_shape_tensor(tf.constant([5, 4, 4, 1])).numpy().tolist() == [5, 16]
        assert images.inverse_event_shape_tensor(tf.constant([5, 16])).numpy().tolist() == [5, 4, 4, 1]

    @pytest.mark.parametrize("shape", [None, (None, None), (None, 2), (3, None, 2)])
    def test_shapes_known_only_when_run(self, points, shape):
        there_and_back = tf.function(
            lambda x: (points.forward(x), points.forward_log_det_jacobian(x), points.inverse(x)),
            input_signature=[tf.TensorSpec(shape, tf.float64)],
            autograph=False,
        )
        x = data(3, 4, 2) if shape is None or len(shape) == 3 else data(3, 2)
        results = there_and_back(x)
        expected = points.forward(x), points.forward_log_det_jacobian(x), points.inverse(x)
        for one, other in zip(results, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)

    def test_event_that_does_not_fit_is_refused(self, points, images):
        with pytest.raises(ValueError, match=r"shape \(2,\). Received: shape=\(5, 3\)"):
            points.forward(data(5, 3))
        with pytest.raises(ValueError, match=r"shape \(16,\). Received: shape=\(4, 4\)"):
            images.inverse(data(4, 4))
        with pytest.raises(ValueError, match=r"shape \(4, 4, 1\). Received: shape=\(4, 1\)"):
            images.forward(data(4, 1))
        with pytest.raises(ValueError, match=r"shape \(2,\). Received: shape=\(5, 3\)"):
            tfd.TransformedDistribution(normal(3), points).log_prob(data(5, 3))

    def test_event_that_turns_out_not_to_fit_stops_the_graph(self, points):
        forward = tf.function(points.forward, input_signature=[tf.TensorSpec(None, tf.float64)], autograph=False)
        with pytest.raises(tf.errors.InvalidArgumentError, match="An event must have shape"):
            forward(data(2, 4))


class TestCache:
    def test_density_does_not_solve_the_inverse(self, points, solves):
        density = tfd.TransformedDistribution(normal(2), tfb.Invert(points))
        density.log_prob(data(3, 2))
        assert len(solves) == 0
        density.log_prob(density.sample(3, seed=1))
        density.experimental_sample_and_log_prob(3, seed=1)
        assert len(solves) == 2

    def test_each_log_prob_of_the_other_direction_solves_it_once(self, points, solves):
        pushed = tfd.TransformedDistribution(normal(2), points)
        pushed.log_prob(data(3, 2))
        assert len(solves) == 1
        sample = pushed.sample(3, seed=1)
        pushed.log_prob(sample)
        assert len(solves) == 1

    @pytest.mark.parametrize("taped", [False, True])
    def test_compiled_log_prob_of_a_sample_solves_the_inverse_once(self, solves, taped):
        # A branch without `as_map` reads its weights in the loop of the solver.
        branch = keras.Sequential([ki.layers.SpectralDense(2, dtype="float64")]) if taped else DenseBranch((4,))
        layer = InvertibleResidualBlock(branch, estimator=EXACT, dtype="float64") if taped else points_layer()
        density = tfd.TransformedDistribution(normal(2), tfb.Invert(view(layer, (2,))))

        @tf.function(autograph=False)
        def sampled():
            sample, log_prob = density.experimental_sample_and_log_prob(3, seed=(1, 2))
            return sample, log_prob, density.log_prob(sample)

        sample, *log_probs = sampled()
        assert len(solves) == 1
        for log_prob in log_probs:
            np.testing.assert_allclose(log_prob, density.log_prob(tf.identity(sample)), rtol=1e-9)

    @pytest.mark.parametrize("name", ["forward", "inverse", "forward_log_det_jacobian", "inverse_log_det_jacobian"])
    def test_no_stale_value_after_a_weight_update(self, name):
        layer = points_layer()
        bijector = view(layer, (2,))
        method, x = getattr(bijector, name), data(3, 2)
        before = method(x)
        np.testing.assert_array_equal(method(x), before)
        shift, kernel = layer.layers[0].log_scale, layer.layers[1].branch.spectral_layers[0].kernel
        for weight in (shift, kernel):
            weight.assign(weight * 1.1 + 0.1)
            after = method(x)
            assert np.abs(after - before).max() > 1e-3
            np.testing.assert_array_equal(after, method(tf.identity(x)))
            before = after

    def test_no_stale_value_within_a_compiled_function(self):
        layer = points_layer()
        bijector, weight = view(layer, (2,)), layer.layers[0].log_scale
        step = tf.function(lambda: [weight.value.assign(weight.value + 0.1)], autograph=False)

        @tf.function
        def values(x):
            first = bijector.forward(x)
            weight.value.assign(weight.value + 0.1)
            second = bijector.forward(x)
            step()  # a call that writes
            third = bijector.forward(x)
            total = tf.zeros_like(x)
            for _ in tf.range(2):  # a loop that writes after it has read
                total += bijector.forward(x)
                weight.value.assign(weight.value + 0.1)
            return first, second, third, total, bijector.forward(x)

        x = data(3, 2)
        found = values(x)
        weight.value.assign(weight.value - 0.4)
        expected = []
        for _ in range(5):
            expected.append(bijector.forward(x))
            weight.value.assign(weight.value + 0.1)
        first, second, third, fourth, fifth = expected
        for one, other in zip(found, [first, second, third, third + fourth, fifth], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9)

    def test_value_of_one_branch_does_not_leak_into_the_graph_around_it(self, points):
        @tf.function(autograph=False)
        def values(x):
            inside = tf.cond(x[0, 0] > -100, lambda: points.forward(x), lambda: x)
            return inside, points.forward(x)

        inside, outside = values(data(3, 2))
        np.testing.assert_array_equal(inside, outside)

    def test_value_from_outside_a_tape_does_not_hide_the_gradient(self, points):
        x = data(3, 2)
        for method in (points.forward, points.inverse, points.forward_log_det_jacobian):
            method(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(method(x))
            gradient = tape.gradient(total, [x, *points.trainable_variables[2:3]])
            assert all(np.abs(one).max() > 1e-3 for one in gradient)

    def test_views_of_the_same_layer_are_equal_and_others_are_not(self, points):
        assert points.copy() == points
        assert points.copy(seed=1) != points
        assert ki.InvertibleResNetBijector(points_layer(), event_shape=(2,)) != points


class TestInPrograms:
    @pytest.mark.parametrize(
        "outer", [tfb.NormalCDF(), tfb.Chain([tfb.Sigmoid(), tfb.Scale(tf.constant(1.5, "float64"))])]
    )
    def test_chained_density_integrates_to_1(self, points, outer):
        # Narrow enough for the density to vanish at the edge of the square.
        base = tfd.MultivariateNormalDiag(tf.zeros(2, tf.float64), 0.3 * tf.ones(2, tf.float64))
        density = tfd.TransformedDistribution(base, tfb.Chain([outer, tfb.Invert(points)]))
        side = (np.arange(300) + 0.5) / 300
        grid = np.stack(np.meshgrid(side, side), -1)
        mass = np.exp(density.log_prob(grid))
        assert mass.max() > 3 * mass.mean()
        assert mass.mean() == pytest.approx(1, abs=1e-3)
        assert np.all((density.sample(50, seed=1) > 0) & (density.sample(50, seed=1) < 1))

    def test_independent_and_joint_distributions(self, points):
        batch = tfd.TransformedDistribution(normal(2, batch=(3,)), tfb.Invert(points))
        assert batch.batch_shape == (3,)
        assert batch.event_shape == (2,)
        x = batch.sample(4, seed=1)
        rows = tfd.Independent(batch, 1)
        np.testing.assert_allclose(rows.log_prob(x), tf.reduce_sum(batch.log_prob(x), -1))
        joint = tfd.JointDistributionSequential([rows, lambda x: tfd.Independent(tfd.Normal(x, tf.ones_like(x)), 2)])
        first, second = joint.sample(5, seed=2)
        assert first.shape == second.shape == (5, 3, 2)
        noise = -0.5 * np.sum((second - first) ** 2 + np.log(2 * np.pi), (-1, -2))
        np.testing.assert_allclose(joint.log_prob([first, second]), rows.log_prob(first) + noise)

    def test_flow_gives_its_bijector_and_its_distribution(self):
        flow = ki.zoo.toy_flow(blocks=2, units=(8,), seed=1)
        flow.initialize(data(200, 2, dtype="float32") * [1.0, 3.0])
        x = data(9, 2, dtype="float32")
        np.testing.assert_allclose(flow.bijector.forward(x), flow.forward(x), rtol=1e-6)
        np.testing.assert_allclose(flow.distribution.log_prob(x), flow.log_prob(x), rtol=1e-4, atol=1e-4)
        flow.prior_log_scale.assign(flow.prior_log_scale + 0.5)
        np.testing.assert_allclose(flow.distribution.log_prob(x), flow.log_prob(x), rtol=1e-4, atol=1e-4)
        assert {id(one) for one in flow.distribution.trainable_variables} == {
            id(one.value) for one in flow.trainable_variables
        }

    def test_latents_of_a_flow_are_one_vector(self):
        chain = Chain([Squeeze(), InvertibleResidualBlock(ConvBranch(4))])
        flow = ki.Flow(chain, (4, 4, 1), bins=5)
        x = tf.random.stateless_uniform((3, 4, 4, 1), (1, 2))
        np.testing.assert_allclose(flow.bijector.forward(x), flow.forward(x), rtol=1e-6)
        assert flow.distribution.event_shape == (4, 4, 1)
        assert flow.distribution.sample((2, 3), seed=1).shape == (2, 3, 4, 4, 1)

    def test_samples_carry_the_gradient_of_the_inverse(self):
        layer = points_layer()
        density = tfd.TransformedDistribution(normal(2), tfb.Invert(view(layer, (2,))))
        kernel = layer.layers[1].branch.spectral_layers[1].kernel

        def mean_square(value):
            kernel.assign(value)
            return tf.reduce_mean(density.sample(20, seed=(1, 2)) ** 2)

        start = 0.2 * kernel.numpy()  # below the bound, so that sigma does not enter
        with tf.GradientTape() as tape:
            loss = mean_square(start)
        gradient = tape.gradient(loss, kernel.value)
        expected = oracles.difference_gradient(mean_square, start)
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-8)

    def test_xla_gives_the_eager_density_and_sample(self, points):
        density = tfd.TransformedDistribution(normal(2), tfb.Invert(points))
        x = data(5, 2)
        log_prob = tf.function(density.log_prob, jit_compile=True, autograph=False)
        np.testing.assert_allclose(log_prob(x), density.log_prob(x), rtol=1e-9)
        inverse = tf.function(points.inverse, jit_compile=True, autograph=False)
        np.testing.assert_allclose(inverse(x), points.inverse(x), rtol=1e-9)
        sample = tf.function(lambda: density.sample(1000, seed=(1, 2)), jit_compile=True, autograph=False)
        oracles.assert_mean(points.forward(sample()), [0.0, 0.0])

    def test_mixed_precision_keeps_the_density_in_float32(self):
        layer, reference = points_layer("mixed_bfloat16"), points_layer("float32")
        densities = [
            tfd.TransformedDistribution(normal(2, "float32"), tfb.Invert(view(one, (2,)))) for one in (layer, reference)
        ]
        x = data(5, 2, dtype="float32")
        mixed, expected = (density.log_prob(x) for density in densities)
        assert mixed.dtype == tf.float32
        np.testing.assert_allclose(mixed, expected, rtol=1e-5)

    def test_saved_log_prob_is_that_of_the_distribution(self, points, tmp_path):
        module = tf.Module()
        module.density = tfd.TransformedDistribution(normal(2), tfb.Invert(points))
        signature = [tf.TensorSpec((None, 2), tf.float64)]
        module.log_prob = tf.function(module.density.log_prob, input_signature=signature, autograph=False)
        tf.saved_model.save(module, tmp_path / "density")
        loaded = tf.saved_model.load(tmp_path / "density")
        x = data(6, 2)
        np.testing.assert_allclose(loaded.log_prob(x), module.density.log_prob(x), rtol=1e-9)


class TestVariables:
    def test_tfp_sees_each_weight_once(self, points, images):
        for bijector in (points, images):
            for visible in (bijector, tfd.TransformedDistribution(normal(2), tfb.Invert(bijector))):
                trainable = [id(one.value) for one in bijector.layer.trainable_variables]
                assert sorted(map(id, visible.trainable_variables)) == sorted(trainable)
                assert len(visible.variables) == len(bijector.layer.variables) + 1  # and the seed's state

    def test_keras_sees_each_weight_once_in_a_layer_that_holds_a_bijector(self):
        holder = keras.layers.Layer()
        holder.inner = points_layer()
        holder.bijector = view(holder.inner, (2,))
        assert len(holder.trainable_variables) == len(holder.inner.trainable_variables)

    def test_frozen_weights_are_not_trainable(self):
        layer = points_layer()
        layer.build((None, 2))
        layer.layers[0].trainable = False
        bijector = ki.InvertibleResNetBijector(layer)
        assert len(bijector.trainable_variables) == len(layer.trainable_variables) == 4

    def test_power_iterations_advance_once_for_each_state_of_the_weights(self):
        layer = points_layer()
        training = view(layer, (2,), training=True)
        evaluation = training.copy(training=False)
        spectral = layer.layers[1].branch.spectral_layers[0]
        rng = np.random.default_rng(0)

        def lag():
            """How far sigma is below the norm, in parts of it."""
            return 1 - spectral.sigma().numpy() / oracles.norm(spectral.kernel.numpy())

        spectral.kernel.assign(rng.normal(size=spectral.kernel.shape))
        start = lag()
        evaluation.forward(data(3, 2))
        assert lag() == start > 1e-3
        training.forward(data(3, 2))
        first = lag()
        assert first < start
        training.forward_log_det_jacobian(data(3, 2))
        training.inverse(data(3, 2))
        assert lag() == first

    def test_power_iterations_follow_weights_trained_in_a_compiled_function(self):
        layer = points_layer()
        bijector = view(layer, (2,), training=True)
        density = tfd.TransformedDistribution(normal(2), tfb.Invert(bijector))
        optimizer = keras.optimizers.Adam(0.05)
        optimizer.build(layer.trainable_variables)

        @tf.function(autograph=False)
        def step(x):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(density.log_prob(x))
            gradients = tape.gradient(loss, density.trainable_variables)
            by_id = dict(zip(map(id, density.trainable_variables), gradients, strict=True))
            optimizer.apply([by_id[id(one.value)] for one in layer.trainable_variables], layer.trainable_variables)
            return loss

        losses = [float(step(3 * data(100, 2) ** 2)) for _ in range(30)]
        assert losses[-1] < losses[0] - 0.2
        for spectral in layer.layers[1].branch.spectral_layers:
            assert oracles.norm(spectral.normalized_kernel()) < 0.91


class TestErrors:
    def test_float64_input_to_a_float32_layer_is_refused(self):
        bijector = view(points_layer("float32"), (2,))
        for method in (bijector.forward, bijector.inverse, bijector.forward_log_det_jacobian):
            with pytest.raises(TypeError, match=r"dtype of the layer, float32. Received: float64"):
                method(data(3, 2))

    def test_block_that_is_not_contractive_says_so(self):
        branch = DenseBranch((8,), coeff=None, dtype="float64")
        layer = InvertibleResidualBlock(branch, estimator=EXACT, max_steps=50, dtype="float64")
        bijector = view(layer, (2,))
        density = tfd.TransformedDistribution(normal(2), tfb.Invert(bijector))
        with pytest.raises(ki.layers.NotConvergedError, match="contractive"):
            density.sample(3, seed=1)
        with pytest.raises(tf.errors.InvalidArgumentError, match="did not converge"):
            tf.function(lambda: density.sample(3, seed=1), autograph=False)()
        with pytest.warns(RuntimeWarning, match="must converge"):
            bijector.copy(on_failure="warn").inverse(data(3, 2))
        assert bijector.copy(on_failure="ignore").inverse(data(3, 2)).shape == (3, 2)

    def test_layer_that_is_no_bijection_is_refused(self):
        with pytest.raises(ValueError, match=r"as many latents as data. Received: event_shape=\(2, 2, 1\), latent"):
            ki.InvertibleResNetBijector(InjectivePad(2), event_shape=(2, 2, 1))
        with pytest.raises(ValueError, match=r"invertible layers.*Received: Dense"):
            ki.InvertibleResNetBijector(keras.layers.Dense(2), event_shape=(2,))

    def test_event_shape_must_be_known_and_that_of_the_layer(self, points):
        with pytest.raises(ValueError, match="must be built"):
            ki.InvertibleResNetBijector(points_layer())
        with pytest.raises(ValueError, match=r"built for, \(2,\). Received: event_shape=\(3,\)"):
            ki.InvertibleResNetBijector(points.layer, event_shape=(3,))
        with pytest.raises(ValueError, match="on_failure='stop'"):
            ki.InvertibleResNetBijector(points.layer, on_failure="stop")
