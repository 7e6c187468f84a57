import keras
import numpy as np
import pytest

from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.state import checkpoints, snapshot
from keras_iresnet.runs.state.checkpoints import SaveBest, Timer, UseAverages


class _Recorder(keras.callbacks.Callback):
    """The kernel after every step, and the validation loss after every epoch."""

    def __init__(self):
        super().__init__()
        self.kernels, self.validation = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.kernels.append(self.model.get_weights()[0].copy())

    def on_epoch_end(self, epoch, logs=None):
        self.validation.append(logs["val_loss"])


def _model(**optimizer):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(**optimizer), loss="mse")
    return model


def _fit(model, callbacks, epochs, held_out=1.0):
    x = np.random.default_rng(0).normal(size=(12, 2))
    y = x.sum(1, keepdims=True)
    validation = (x, held_out * y)
    model.fit(
        x, y, batch_size=4, epochs=epochs, shuffle=False, validation_data=validation, verbose=0, callbacks=callbacks
    )


def _kernel(path):
    return keras.saving.load_model(path).get_weights()[0]


def test_best_is_the_epoch_with_the_lowest_validation_and_ends_in_the_model(tmp_path):
    # The data held out want half of the slope that training goes to: validation falls, then rises.
    run, seen, model = RunFolder(tmp_path), _Recorder(), _model(learning_rate=0.02)
    model.set_weights([np.zeros((2, 1))])
    best = SaveBest(run, "val_loss")
    _fit(model, [seen, best], epochs=30, held_out=0.5)
    lowest = int(np.argmin(seen.validation))
    assert 0 < lowest < 29
    assert best.epoch == lowest + 1
    assert best.value == pytest.approx(seen.validation[lowest])
    expected = seen.kernels[3 * lowest + 2]
    np.testing.assert_array_equal(_kernel(run.best), expected)
    np.testing.assert_array_equal(model.get_weights()[0], expected)


def test_of_equals_the_latest_is_the_best():
    best, model = SaveBest(None, "val_loss"), _model()
    best.set_model(model)
    for epoch, value in enumerate((np.inf, 2.0, 1.0, 1.0, 3.0, np.nan)):
        model.set_weights([np.full((2, 1), epoch)])
        best.on_epoch_end(epoch, {"val_loss": value})
    best.on_train_end()
    assert (best.epoch, best.value) == (4, 1.0)
    np.testing.assert_array_equal(model.get_weights()[0], np.full((2, 1), 3))


def test_files_are_written_while_training_goes_on_and_do_not_disturb_it(tmp_path, monkeypatch):
    plain, seen = _Recorder(), _Recorder()
    keras.utils.set_random_seed(0)
    _fit(_model(learning_rate=0.02), [plain], epochs=6, held_out=0.5)
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0)
    monkeypatch.setattr(checkpoints, "SHARE_OF_TIME", np.inf)
    run, times = RunFolder(tmp_path), []
    keras.utils.set_random_seed(0)
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: times.append(run.best.stat().st_mtime_ns))
    _fit(_model(learning_rate=0.02), [seen, SaveBest(run, "val_loss"), watch], epochs=6, held_out=0.5)
    np.testing.assert_array_equal(plain.kernels, seen.kernels)
    assert len(set(times)) == sum(value == min(seen.validation[: i + 1]) for i, value in enumerate(seen.validation)) > 1


def test_a_best_that_is_written_late_is_the_best_and_does_not_disturb_training(tmp_path, monkeypatch):
    def fit(*callbacks):
        model, seen = _model(learning_rate=0.02), _Recorder()
        model.set_weights([np.zeros((2, 1))])
        _fit(model, [seen, *(callback(seen) for callback in callbacks)], epochs=30, held_out=0.5)
        return seen

    plain = fit()
    lowest = int(np.argmin(plain.validation))
    assert lowest < 20  # the file is written five epochs later, when the weights have moved on
    run, written = RunFolder(tmp_path), []

    def save_best(seen):
        monkeypatch.setattr(Timer, "due", property(lambda _: len(seen.validation) == lowest + 6))
        return SaveBest(run, "val_loss")

    def watch(_):
        return keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: written.append(_kernel(run.best)) if run.best.exists() else None
        )

    seen = fit(save_best, watch)
    np.testing.assert_array_equal(seen.kernels, plain.kernels)
    np.testing.assert_array_equal(written[0], plain.kernels[3 * lowest + 2])
    assert len(written) == 30 - (lowest + 5)


def test_files_are_not_written_more_often_than_the_interval(tmp_path, monkeypatch):
    run, writes = RunFolder(tmp_path), []
    monkeypatch.setattr(run, "save", lambda path, model: writes.append(path.name))
    _fit(_model(learning_rate=0.02), [SaveBest(run, "val_loss")], epochs=6)
    assert writes == ["best.keras"]


def test_a_write_that_takes_long_makes_the_next_one_wait(monkeypatch):
    now = 0.0
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now)
    timer = Timer()
    for start, duration, next_due in ((60, 0.1, 120.1), (130, 5.0, 385.0)):  # 5 s are 2 % of 250 s
        now = start
        assert timer.due
        with timer.measured():
            now += duration
        now = next_due - 1e-6
        assert not timer.due
        now = next_due + 1e-6
        assert timer.due


def _rising_average(kernels, momentum):
    """What `UseAverages` promises, from the weights after every step."""
    average = kernels[0]
    for t, kernel in enumerate(kernels[1:], 1):
        share = min(momentum, (1 + t) / (10 + t))
        average = share * average + (1 - share) * kernel
    return average


def test_averages_reach_their_momentum_and_go_on_in_another_process(tmp_path):
    # 18 steps: at 0.5 the momentum is reached at step 8; the second `fit` must not start again.
    run, seen = RunFolder(tmp_path), _Recorder()
    options = {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.5}
    model, states = _model(**options), []
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: states.append(snapshot.take(model)))
    _fit(model, [seen, keep, UseAverages()], epochs=3)
    again = _model(**options)
    again.optimizer.build(again.trainable_variables)
    snapshot.put(again, states[-1])
    best = SaveBest(run, "val_loss")
    _fit(again, [seen, UseAverages(), best], epochs=3)
    assert best.epoch == 3
    # Keras checkpoints averages of the weights as the optimizer's: the state is taken before they change places.
    np.testing.assert_allclose(_kernel(run.best), _rising_average(seen.kernels, 0.5), rtol=1e-5)


@pytest.mark.slow
def test_a_short_run_is_not_dominated_by_its_first_weights(tmp_path):
    run, seen, model = RunFolder(tmp_path), _Recorder(), _model(learning_rate=0.01, use_ema=True, ema_momentum=0.999)
    model.set_weights([np.full((2, 1), -9.0)])
    _fit(model, [seen, UseAverages(), SaveBest(run, "val_loss")], epochs=40)
    first, last = seen.kernels[0], seen.kernels[-1]
    share = (_kernel(run.best) - last) / (first - last)  # 0.89 by a momentum of 0.999 from the first step
    assert np.all(abs(share) < 0.1)


def test_best_holds_the_averages(tmp_path):
    run, seen = RunFolder(tmp_path), _Recorder()
    model = _model(learning_rate=0.05, use_ema=True, ema_momentum=0.8)
    best = SaveBest(run, "val_loss")
    _fit(model, [seen, UseAverages(), best], epochs=2)
    average = _rising_average(seen.kernels, 0.8)
    assert best.epoch == 2
    assert not np.allclose(average, seen.kernels[-1], rtol=1e-3)
    np.testing.assert_allclose(_kernel(run.best), average, rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], average, rtol=1e-5)


def test_a_validation_that_is_never_finite_is_an_error(tmp_path):
    with pytest.raises(FloatingPointError, match="val_loss=nan"):
        _fit(_model(), [SaveBest(RunFolder(tmp_path), "val_loss")], epochs=1, held_out=np.nan)
