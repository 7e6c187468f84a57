import collections
import csv
import os
import pathlib
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.schedule import Budget
from keras_iresnet.runs.state import snapshot
from keras_iresnet.runs.state.checkpoints import SaveBest
from keras_iresnet.runs.state.save_state import Position, SaveState, TerminatedError
from keras_iresnet.runs.state.state_file import StateRefusedError, read_state, write_state

SETTINGS = {"name": "line", "recipe": {"seed": 1, "steps": None}, "builder": {}}
STEPS = 3  # of an epoch


def _model(seed=0, inputs=2):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((inputs,)), keras.layers.Dropout(0.3, seed=4), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.1), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def _state(run, model, settings=SETTINGS):
    state = SaveState(run, settings, Budget(100), SaveBest(run, "val_loss"), STEPS)
    position = state.restore(model, lines.append) if run.states() else None
    return state, position or Position()


lines = []  # what a restored state reported


def _fit(run, model, *callbacks, epochs=2):
    state, _ = _state(run, model)
    _fit_with(state, model, *callbacks, epochs=epochs)
    return state


def _fit_with(state, model, *callbacks, epochs=2):
    position = state.start
    x = np.random.default_rng(0).normal(size=(4 * STEPS, 2)).astype("float32")
    batches = tf.data.Dataset.from_tensor_slices((x, x.sum(1))).batch(4, drop_remainder=True)
    with state.heeding_signals():
        model.fit(
            batches.repeat().skip(position.step), steps_per_epoch=STEPS, epochs=epochs, initial_epoch=position.epoch,
            shuffle=False, verbose=0, validation_data=batches, callbacks=[state, state.best, *callbacks],
        )  # fmt: skip


class _Terminate(keras.callbacks.Callback):
    """What a scheduler does to a job, in a step."""

    def __init__(self, epoch, batch, *signals):
        super().__init__()
        self.at, self.epoch, self.signals = (epoch, batch), None, signals or (signal.SIGTERM,)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            for number in self.signals:
                os.kill(os.getpid(), number)


@pytest.mark.parametrize(("epoch", "batch"), [(0, 0), (0, 1), (1, 1), (1, 2)])
@pytest.mark.sweep(4)
def test_sigterm_saves_the_state_and_the_run_goes_on_to_the_same_end(tmp_path, epoch, batch):
    plain, run = RunFolder(tmp_path / "plain"), RunFolder(tmp_path / "Läufe vom Mai")
    plain.path.mkdir()
    run.path.mkdir()
    _fit(plain, _model())
    before = signal.getsignal(signal.SIGTERM)
    steps, command = STEPS * epoch + batch + 1, f"keras-iresnet train --resume '{run.path}'"
    message = rf"after {steps} steps is saved\. It goes on with: {command}"
    with pytest.raises(TerminatedError, match=message):
        _fit(run, _model(), _Terminate(epoch, batch))
    assert run.states()[0] == run.state(STEPS * epoch + batch + 1)
    assert signal.getsignal(signal.SIGTERM) == before
    _fit(run, _model(seed=5))
    (arrays, facts), (expected, expected_facts) = (read_state(folder.states()[0]) for folder in (run, plain))
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(arrays[name], array, rtol=1e-6, err_msg=name)
    assert facts["best_epoch"] == expected_facts["best_epoch"]
    assert facts["position"]["finished"]


def test_ctrl_c_saves_the_state_and_says_how_to_go_on(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    message = r"Ctrl-C ended the run; its state after 2 steps is saved\. It goes on with: keras-iresnet train --resume"
    with pytest.raises(TerminatedError, match=message) as error:
        _fit(RunFolder(tmp_path), _model(), _Terminate(0, 1, signal.SIGINT))
    assert error.value.signal == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) == before
    assert RunFolder(tmp_path).states()[0].name == "last.000000002.state"


def test_a_second_ctrl_c_leaves_at_once(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        _fit(RunFolder(tmp_path), _model(), _Terminate(0, 1, signal.SIGINT, signal.SIGINT))


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_worker_without_the_folder_takes_as_many_steps_as_the_chief(step):
    model, state = _model(), SaveState(None, SETTINGS, Budget(100), SaveBest(None, "val_loss"), STEPS)
    state.start = Position(epoch=1, step=step)
    _fit_with(state, model, epochs=3)
    assert int(model.optimizer.iterations) == 2 * STEPS - step


def test_states_are_two_and_the_newest_is_the_end(tmp_path):
    run = RunFolder(tmp_path)
    _fit(run, _model())
    assert [file.name for file in run.states()] == ["last.000000006.state", "last.000000000.state"]
    position = read_state(run.states()[0])[1]["position"]
    assert (position["epoch"], position["step"], position["finished"]) == (2, 0, True)


def test_all_that_changes_in_training_is_in_a_state(tmp_path):
    run, model = RunFolder(tmp_path), _model()
    _fit(run, model)
    arrays = read_state(run.states()[0])[0]
    kinds = collections.Counter(name.split("/")[0] for name in arrays)
    assert kinds == {"model": 3, "optimizer": 6, "metrics": 2, "best": 2}  # seeds; steps, rate and 2 x 2 slots; a mean
    again = _model(seed=9)
    snapshot.put(again, {name: array for name, array in arrays.items() if not name.startswith("best/")})
    assert int(again.optimizer.iterations) == 2 * STEPS
    for name, array in snapshot.take(again).items():
        np.testing.assert_array_equal(array, arrays[name], strict=True)
    assert again.get_metrics_result()["loss"] > 0


@pytest.fixture
def two_states(tmp_path):
    run = RunFolder(tmp_path)
    _fit(run, _model())
    lines.clear()
    return run


def test_a_damaged_state_is_refused_by_name_and_the_previous_one_used(two_states):
    newest, previous = two_states.states()
    os.truncate(newest, 200)
    model = _model(seed=5)
    _, position = _state(two_states, model)
    assert (position.epoch, position.step, position.finished) == (0, 0, False)
    assert lines == [
        f"Refused {newest.name}: its checksum does not match: it is cut short or damaged; "
        f"it is now {newest.name}.refused"
    ]
    assert two_states.states() == [previous]


def test_a_foreign_state_is_refused(two_states):
    newest, _ = two_states.states()
    arrays, facts = read_state(newest)
    write_state(newest, arrays, facts | {"settings": SETTINGS | {"name": "other"}})
    _, position = _state(two_states, _model())
    assert position.epoch == 0
    assert "it is the state of a run with other settings: name='line', not 'other'" in lines[0]


def test_a_state_from_before_a_field_that_is_off_is_good(two_states):
    newest, _ = two_states.states()
    arrays, facts = read_state(newest)
    write_state(newest, arrays, facts | {"settings": SETTINGS | {"recipe": {"seed": 1}}})
    _, position = _state(two_states, _model())
    assert (position.finished, lines) == (True, [])


def test_a_state_that_cannot_be_read_now_is_left_as_it_is(two_states, monkeypatch):
    before = sorted(two_states.path.iterdir())

    def failing(path):
        raise OSError(5, os.strerror(5), str(path))

    monkeypatch.setattr(pathlib.Path, "read_bytes", failing)
    with pytest.raises(OSError, match=r"Input/output error: '.*last.000000006.state'"):
        _state(two_states, _model())
    assert sorted(two_states.path.iterdir()) == before


def test_where_every_state_is_refused_the_run_does_not_start_again(two_states):
    for file in two_states.states():
        file.write_text("nothing")
    with pytest.raises(ValueError, match=r"Received: last.000000006.state: it is no state.*; last.000000000.state: it"):
        _state(two_states, _model())
    assert two_states.states() == []
    with pytest.raises(
        ValueError, match=r"none left.*Received: last.000000006.state.refused; last.000000000.state.ref"
    ):
        SaveState(two_states, SETTINGS, Budget(100), SaveBest(two_states, "val_loss"), STEPS).restore(_model(), print)


def test_another_model_refuses_the_arrays_and_keeps_its_own():
    model = _model(inputs=3)
    before = model.get_weights()
    with pytest.raises(StateRefusedError, match="another model or optimizer"):
        snapshot.put(model, snapshot.take(_model()))
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_rows_of_the_history_that_will_come_again_are_cut(two_states):
    newest, previous = two_states.states()
    newest.unlink()
    arrays, facts = read_state(previous)
    facts["position"] |= {"epoch": 2, "step": 1}
    write_state(previous, arrays, facts)
    two_states.history.write_text("epoch,loss\r\n" + "".join(f"{i},0.{i}\r\n" for i in range(4)))
    _state(two_states, _model())
    with two_states.history.open(newline="") as file:
        assert list(csv.reader(file)) == [["epoch", "loss"], ["0", "0.0"], ["1", "0.1"]]


def test_a_full_disk_ends_the_run_with_the_last_state_intact(tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    _fit(run, _model())
    good = {file.name: file.read_bytes() for file in run.states()}
    run.states()[0].unlink()
    monkeypatch.setattr(np, "savez", lambda file, **_: file.write(bytes(10)))
    monkeypatch.setattr("os.fsync", _full)
    with pytest.raises(OSError, match=r"last\.000000006\.state could not be written: No space left on device"):
        _fit(run, _model())
    (left,) = run.states()
    assert left.read_bytes() == good[left.name]


def _full(_):
    raise OSError(28, os.strerror(28))
