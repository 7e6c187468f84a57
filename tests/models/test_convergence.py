"""Norms are converged wherever a trained model is looked at, whatever callbacks there are; a divergence is reported."""

import keras
import numpy as np
import pytest
import small_flows

import keras_iresnet as ki
from keras_iresnet.models.convergence import converge_norms

POINTS = small_flows.points(128)


def make(optimizer=None):
    """A flow whose norms run ahead of their estimates: one power iteration a step at a high learning rate."""
    branch = ki.layers.DenseBranch((64, 64), coeff=0.97)
    block = ki.layers.InvertibleResidualBlock(branch, estimator=ki.ExactLogDet())
    flow = ki.Flow(ki.layers.Chain([ki.layers.ActNorm(), block]), (2,), seed=1)
    flow.compile(optimizer or keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.95))
    return flow


def excess(model):
    """The largest norm of a normalised kernel, by SVD, over its coefficient."""
    spectral = model.layer.layers[1].branch.spectral_layers
    return max(np.linalg.norm(layer.normalized_kernel().numpy(), 2) / layer.coeff for layer in spectral)


@pytest.fixture
def flow():
    """A model whose kernels have moved away from the vectors that their norms are estimated with."""
    flow, rng = make(), np.random.default_rng(0)
    flow.initialize(POINTS)
    for layer in flow.layer.layers[1].branch.spectral_layers:
        layer.kernel.assign(2 * rng.normal(size=layer.kernel.shape))
    assert excess(flow) > 1.02
    return flow


class Watch(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(excess(self.model))

    on_test_begin = on_test_end = on_train_end = lambda self, logs=None: self.seen.append(excess(self.model))


@pytest.mark.parametrize("swap_first", [True, False])
@pytest.mark.parametrize("on_epoch", [True, False])
@pytest.mark.sweep(4)
def test_averages_that_callbacks_see_and_save_have_converged_norms(tmp_path, on_epoch, swap_first):
    flow, watch = make(), Watch()
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=on_epoch)
    save = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    saving = [save, watch]
    flow.fit(
        POINTS,
        validation_data=POINTS,
        epochs=2,
        batch_size=16,
        verbose=0,
        callbacks=[swap, *saving] if swap_first else [*saving, swap],
    )
    assert max(watch.seen) < 1.01
    assert excess(flow) < 1.01
    for path in tmp_path.glob("*.keras"):
        assert excess(keras.saving.load_model(path)) < 1.01


LOOKS = {
    "evaluate": lambda flow, path: flow.evaluate(POINTS, verbose=0),
    "predict": lambda flow, path: flow.predict(POINTS, verbose=0),
    "save": lambda flow, path: flow.save(path / "x.keras"),
    "save_weights": lambda flow, path: flow.save_weights(path / "x.weights.h5"),
}


@pytest.mark.parametrize("name", LOOKS)
def test_norms_are_converged_before_weights_are_used_or_saved(flow, name, tmp_path):
    LOOKS[name](flow, tmp_path)
    assert excess(flow) < 1.01


def test_what_is_converged_is_left_to_the_bit(flow):
    converge_norms(flow)
    before = flow.get_weights()
    converge_norms(flow)
    flow.evaluate(POINTS, verbose=0)
    for old, weight in zip(before, flow.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, old)


def test_a_save_that_is_refused_leaves_the_file_as_it_was(tmp_path):
    class Box:
        def log_prob(self, z):
            return 0 * z[:, 0]

        def sample(self, n, seed, temperature):
            raise NotImplementedError

    path = tmp_path / "x.keras"
    path.write_text("before")
    unsaveable = ki.Flow(ki.layers.Chain([]), (2,), prior=Box())
    with pytest.raises(TypeError, match="A prior must have a `get_config`"):
        unsaveable.save(path)
    assert path.read_text() == "before"


class Poison(keras.callbacks.Callback):
    """Makes weights NaN after some step."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            self.model.trainable_weights[0].assign(np.nan * self.model.trainable_weights[0])


def diverging(kind):
    if kind == "classifier":
        layer = ki.layers.Chain([ki.layers.ActNorm(), ki.layers.InvertibleResidualBlock(ki.layers.ConvBranch(4))])
        model = ki.Classifier(layer, small_flows.IMAGE_SHAPE, 2, bins=small_flows.BINS)
        model.compile("sgd", run_eagerly=True)
        images = small_flows.images(80)
        return model, (images, images.mean((1, 2, 3)).astype(int) // 3)
    model = small_flows.point_flow() if kind == "points" else small_flows.image_flow()
    model.compile("adam", run_eagerly=True)
    return model, (POINTS[:80] if kind == "points" else small_flows.images(80),)


@pytest.mark.parametrize("kind", ["points", "images", "classifier"])
def test_a_fit_that_diverges_says_since_when_and_keeps_its_history(kind):
    model, data = diverging(kind)
    validation = data if len(data) == 2 else data[0]
    options = {"epochs": 3, "batch_size": 16, "verbose": 0, "shuffle": False, "validation_data": validation}
    # A logit or a check may refuse NaN in a later step itself; that is not what this is about.
    with pytest.raises((FloatingPointError, ValueError)) as error:
        model.fit(*data, callbacks=[Poison()], **options)
    if error.type is FloatingPointError:
        assert "since step 4 of epoch 1" in str(error.value)
        assert model.history.epoch == [0]


@pytest.mark.parametrize("kind", ["points", "images", "classifier"])
def test_terminate_on_nan_ends_a_fit_with_its_history(kind):
    model, data = diverging(kind)
    callbacks = [Poison(), keras.callbacks.TerminateOnNaN()]
    with pytest.warns(UserWarning, match="the loss is nan since step 4 of epoch 1"):
        history = model.fit(*data, epochs=3, batch_size=16, verbose=0, callbacks=callbacks)
    assert history.epoch == [0]


def test_weights_that_only_the_last_step_ruined_are_reported():
    class Last(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 4:
                self.model.trainable_weights[0].assign(np.inf * self.model.trainable_weights[0])

    model, data = diverging("points")
    with pytest.raises(FloatingPointError, match="some weights are not since the last steps of epoch 1"):
        model.fit(*data, epochs=2, batch_size=16, verbose=0, callbacks=[Last()])
