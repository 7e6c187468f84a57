import io

import keras
import numpy as np
import rich.console

from keras_iresnet.runs.progress import ProgressBar, console, duration
from keras_iresnet.runs.schedule import Budget


class _Value(keras.metrics.Mean):
    """A metric that is always 2.5."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state([2.5])


def _fit(shown, epochs=2):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse", metrics=[_Value(name="bits_per_dim")])
    x, y = np.ones((12, 2)), np.ones((12, 1))
    budget = Budget(3 * epochs)
    budget.start()
    bar = ProgressBar(budget, "bits_per_dim", shown)
    model.fit(x, y, batch_size=4, epochs=epochs, validation_data=(x, y), verbose=0, callbacks=[bar])
    return bar


def test_without_a_terminal_there_is_a_line_an_epoch():
    out = io.StringIO()
    _fit(rich.console.Console(file=out, soft_wrap=True))
    first, *epochs = out.getvalue().splitlines()
    assert first.startswith("Tracing the training step")
    assert [line[: line.index("  0:00")] for line in epochs] == [
        "epoch 1/2  2.500 bits/dim, validation 2.500",
        "epoch 2/2  2.500 bits/dim, validation 2.500",
    ]
    assert epochs[1].endswith("elapsed, 0:00:00 left")


def test_on_a_terminal_there_is_one_bar_that_fills():
    out = io.StringIO()
    _fit(rich.console.Console(file=out, force_terminal=True, width=150))
    frames = out.getvalue().split("tracing")[-1]
    assert "epoch 2/2  2.500 bits/dim, validation 2.500" in frames
    assert "100%" in frames[frames.index("epoch 2/2") :]
    assert "\nepoch" not in frames  # no line of its own for an epoch


def test_a_bar_is_taken_down_after_training_broke_off():
    out = io.StringIO()
    bar = ProgressBar(Budget(3), "bits_per_dim", rich.console.Console(file=out, force_terminal=True))
    bar.set_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    bar.model.compile("sgd", loss="mse")
    bar.on_train_begin()
    bar.stop()
    bar.stop()
    assert out.getvalue().endswith("\x1b[?25h")  # the cursor is back


def test_progress_goes_to_standard_error_or_nowhere(capsys):
    console().print("shown")
    console(shown=False).print("hidden")
    assert capsys.readouterr() == ("", "shown\n")


def test_duration():
    assert [duration(seconds) for seconds in (0, 59.6, 3725)] == ["0:00:00", "0:01:00", "1:02:05"]
