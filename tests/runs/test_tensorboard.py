import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import keras_iresnet as ki
from keras_iresnet.runs.schedule import Budget, Pace
from keras_iresnet.runs.tensorboard import (
    EXAMPLES,
    Diagnostics,
    Pictures,
    ScalarLog,
    gradient_norm_function,
    sigmas,
)


def _events(folder):
    """Tag -> [(step, value)] of the scalars, and tag -> [step, ...] of the images."""
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    scalars, images = {}, {}
    for tag in found.Tags()["tensors"]:
        kind = found.SummaryMetadata(tag).plugin_data.plugin_name
        for event in found.Tensors(tag):
            value = tf.make_ndarray(event.tensor_proto)
            if kind == "images":
                images.setdefault(tag, []).append((event.step, tf.io.decode_png(value[2]).numpy()))
            else:
                scalars.setdefault(tag, []).append((event.step, float(value)))
    return scalars, images


@pytest.fixture
def writer(tmp_path):
    return tf.summary.create_file_writer(str(tmp_path))


@pytest.fixture(scope="module")
def flow():
    flow = ki.zoo.digits_flow(blocks=(1,), channels=4, seed=0)
    flow.initialize(_images(200))
    flow.compile()
    return flow


def _images(n=EXAMPLES):
    return np.random.default_rng(0).integers(0, 17, (n, 8, 8, 1), dtype=np.uint8)


def test_loss_and_learning_rate_are_there_every_log_steps_steps(tmp_path):
    recipe = ki.zoo.get("digits_flow").recipe
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(), loss="mse")
    rates = []
    seen = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    callbacks = [Pace(recipe, Budget(10)), ScalarLog(tmp_path, log_steps=3), seen]
    model.fit(np.ones((10, 2)), np.ones((10, 1)), batch_size=2, epochs=2, verbose=0, callbacks=callbacks)
    scalars, _ = _events(tmp_path / "train")
    assert [step for step, _ in scalars["batch_loss"]] == [3, 6, 9]
    assert scalars["batch_learning_rate"] == [(step, pytest.approx(rates[step - 1])) for step in (3, 6, 9)]


class _Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_pictures_come_at_most_once_a_minute(flow, writer, tmp_path):
    clock = _Clock()
    callback = Pictures(writer, _images(), clock=clock)
    callback.set_model(flow)
    callback.on_train_begin()
    for epoch, clock.now in enumerate([10, 59, 61, 70, 119, 122]):
        callback.on_epoch_end(epoch)
    writer.flush()
    _, images = _events(tmp_path)
    assert {tag: [step for step, _ in found] for tag, found in images.items()} == {
        "samples": [2, 5],
        "reconstructions": [2, 5],
    }
    samples, reconstructions = (images[tag][0][1] for tag in ("samples", "reconstructions"))
    assert samples.shape == (4 * 49 - 1, 4 * 49 - 1, 3)
    assert reconstructions.shape == (4 * 49 - 1, 8 * 49 - 1, 3)
    np.testing.assert_array_equal(reconstructions[:48], reconstructions[49:97])


def test_pictures_do_not_take_more_than_their_share_of_the_time(flow, writer, tmp_path, monkeypatch):
    clock = _Clock()

    def slow(*_, **__):
        clock.now += 10  # seconds: 2 % of 500
        return tf.zeros((EXAMPLES, 8, 8, 1))

    monkeypatch.setattr(flow, "sample", slow)
    callback = Pictures(writer, _images(), clock=clock)
    callback.set_model(flow)
    callback.on_train_begin()
    for epoch in range(100):
        clock.now += 10
        callback.on_epoch_end(epoch)
    writer.flush()
    steps = [step for step, _ in _events(tmp_path)[1]["samples"]]
    assert steps[:2] == [5, 55]


def test_diagnostics_say_norms_gradient_and_inverse(flow, writer, tmp_path):
    callback = Diagnostics(writer, _images())
    callback.set_model(flow)
    before = [weight.numpy().copy() for weight in flow.weights]
    callback.on_epoch_end(7)
    writer.flush()
    scalars, _ = _events(tmp_path)
    assert {step for found in scalars.values() for step, _ in found} == {7}
    assert {tag: scalars[tag][0][1] for tag in sigmas(flow)} == pytest.approx(sigmas(flow))
    assert len(sigmas(flow)) == 3
    assert scalars["gradient_norm"][0][1] > 0
    assert scalars["inverse/max_steps"][0][1] > 1
    assert 0 < scalars["inverse/max_residual"][0][1] < 1e-5
    for weight, old in zip(flow.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


LABELLED = {
    "without an inverse": lambda: ki.zoo.resnet164_classifier("digits", blocks=(1, 1), channels=4, seed=0),
    "hybrid": lambda: ki.zoo.hybrid_classifier(blocks=(1,), channels=4, seed=0),
}


@pytest.mark.parametrize("name", LABELLED)
def test_looking_at_a_labelled_model_changes_nothing(name, writer, tmp_path):
    model = LABELLED[name]()
    model.initialize(_images(200))
    model.compile()
    callback = Diagnostics(writer, _images(), np.arange(EXAMPLES) % 10)
    callback.set_model(model)
    before = [variable.numpy().copy() for variable in (*model.variables, *model.metrics_variables)]
    for epoch in range(2):
        callback.on_epoch_end(epoch)
    for variable, old in zip((*model.variables, *model.metrics_variables), before, strict=True):
        np.testing.assert_array_equal(variable, old, err_msg=variable.path)
    writer.flush()
    scalars, _ = _events(tmp_path)
    (_, first), (_, again) = scalars["gradient_norm"]
    assert first == pytest.approx(again, rel=1e-5)  # the same noise each time
    assert first > 0
    assert ("inverse/max_steps" in scalars) == (name == "hybrid")


def test_sigmas_are_the_norms_of_the_kernels():
    flow = ki.zoo.toy_flow(blocks=3, units=(4,))
    branches = [layer.branch for layer in flow.layer.layers if hasattr(layer, "branch")]
    kernels = [layer.kernel.numpy() for branch in branches for layer in branch.spectral_layers]
    expected = [np.linalg.svd(kernel, compute_uv=False)[0] for kernel in kernels]
    np.testing.assert_allclose(list(sigmas(flow).values()), expected, rtol=1e-3)


def test_gradient_norm_is_that_of_the_loss():
    # One weight at a time, by finite differences of the likelihood with the exact log-determinant.
    keras.config.set_dtype_policy("float64")
    flow = ki.zoo.toy_flow(blocks=1, units=(3,), activation="elu", seed=0)
    flow.compile()
    points = np.random.default_rng(0).normal(size=(20, 2))
    squares, step = 0.0, 1e-5
    for weight in flow.trainable_weights:
        value = weight.numpy()
        for index in np.ndindex(value.shape):
            losses = []
            for sign in (1, -1):
                moved = value.copy()
                moved[index] += sign * step
                weight.assign(moved)
                losses.append(-float(tf.reduce_mean(flow.log_prob(points))))
            squares += ((losses[0] - losses[1]) / (2 * step)) ** 2
        weight.assign(value)
    assert float(gradient_norm_function(flow)(tf.constant(points))) == pytest.approx(np.sqrt(squares), rel=1e-3)


def test_a_fit_that_fails_leaves_the_default_writer_as_it_was(tmp_path, flow):
    log = ScalarLog(tmp_path / "scalars", 1000)
    log.set_model(flow)
    log.on_train_begin()
    assert tf.summary.should_record_summaries() is not None
    log.on_train_batch_begin(0)
    log.leave()  # as behind an error, in the place of `on_train_end`
    with tf.summary.create_file_writer(str(tmp_path / "mine")).as_default(step=1):
        assert tf.summary.scalar("one", 1.0)
