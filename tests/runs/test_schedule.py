import math
import time

import keras
import numpy as np
import pytest

from keras_iresnet.runs.schedule import Budget, Pace, learning_rate, total_steps
from keras_iresnet.zoo import Recipe


def _recipe(**fields):
    return Recipe(**{"dataset": "digits", "epochs": 2, "batch_size": 4, "learning_rate": 0.5, **fields})


class _Clock:
    """A clock that ticks by itself."""

    def __init__(self, tick=0.0):
        self.now, self.tick = 100.0, tick

    def __call__(self):
        self.now += self.tick
        return self.now


def test_warmup_rises_linearly_to_the_peak_and_stays():
    rates = [learning_rate(_recipe(warmup_steps=4), step, step / 8, 4) for step in range(8)]
    np.testing.assert_allclose(rates, [0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5, 0.5])


def test_cosine_falls_from_the_peak_over_a_half_to_zero():
    rates = [learning_rate(_recipe(decay="cosine"), 0, fraction, 4) for fraction in (0, 1 / 3, 0.5, 1)]
    np.testing.assert_allclose(rates, [0.5, 0.375, 0.25, 0], atol=1e-15)


def test_warmup_in_epochs_adds_to_that_in_steps():
    recipe = _recipe(warmup_steps=1, warmup_epochs=1.5)
    rates = [learning_rate(recipe, step, step / 8, steps_per_epoch=2) for step in range(8)]
    np.testing.assert_allclose(rates, [0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5, 0.5])


def test_drops_come_with_the_first_step_of_their_epochs():
    recipe = _recipe(decay="drop", drop_factor=0.1, drop_epochs=(60, 120, 160), epochs=200)
    spe = 390
    for epoch, before, after in ((60, 1, 0.1), (120, 0.1, 0.01), (160, 0.01, 0.001)):
        step = epoch * spe
        rates = [learning_rate(recipe, s, s / (200 * spe), spe) for s in (step - 1, step)]
        np.testing.assert_allclose(rates, [0.5 * before, 0.5 * after])


def test_drops_follow_the_clock_where_it_ends_the_run():
    recipe = _recipe(decay="drop", drop_factor=0.1, drop_epochs=(60, 120, 160), epochs=200)
    rates = [learning_rate(recipe, 50, fraction, 390) for fraction in (0.29, 0.31, 0.61, 0.81)]
    np.testing.assert_allclose(rates, [0.5, 0.05, 0.005, 0.0005])


def test_drops_are_those_of_epochs_where_the_recipe_has_no_number_of_them():
    recipe = _recipe(decay="drop", drop_factor=0.1, drop_epochs=(2,), epochs=None, minutes=1.0)
    assert [learning_rate(recipe, step, 0.9, 10) for step in (19, 20)] == [0.5, 0.05]


@pytest.mark.parametrize(
    ("bounds", "steps"),
    [({"epochs": 3}, 30), ({"steps": 7}, 7), ({"epochs": 3, "steps": 7}, 7), ({"epochs": 3, "steps": 70}, 30)],
)
def test_the_bound_that_is_reached_first_counts(bounds, steps):
    assert total_steps(_recipe(**{"epochs": None, **bounds}), 10) == steps


def test_a_run_by_the_clock_has_no_last_step():
    budget = Budget(total_steps(_recipe(epochs=None, minutes=2.0), 10), minutes=2.0, clock=(clock := _Clock()))
    budget.start()
    assert budget.fraction(10**9) == 0
    clock.now += 30
    assert budget.fraction(10**9) == 0.25


def test_minutes_are_those_of_the_machine():
    budget = Budget(math.inf, minutes=0.01)
    before = time.monotonic()
    budget.start()
    while budget.fraction(0) < 1:
        assert time.monotonic() - before < 10
    assert time.monotonic() - before >= 0.6


def test_budget_by_steps():
    budget = Budget(200, clock=_Clock())
    budget.start()
    assert [budget.fraction(step) for step in (0, 50, 200, 300)] == [0, 0.25, 1, 1]


def test_budget_goes_by_the_clock_where_that_is_ahead():
    clock = _Clock()
    budget = Budget(200, minutes=2, clock=clock)
    assert budget.fraction(0) == 0  # the time runs from `start`
    budget.start()
    clock.now += 60
    assert budget.elapsed == 60
    assert budget.fraction(50) == 0.5
    assert budget.fraction(150) == 0.75
    clock.now += 90
    assert budget.fraction(150) == 1


@pytest.mark.parametrize("minutes", [0, -1, math.nan, math.inf])
def test_a_limit_that_is_no_time_is_refused(minutes):
    with pytest.raises(ValueError, match="`minutes` must be positive and finite"):
        Budget(10, minutes)


class _Rates(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


def _fit(pace, epochs, inputs=None):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(), loss="mse")
    seen = _Rates()
    x = np.ones((12, 2)) if inputs is None else inputs
    history = model.fit(x, np.ones((len(x), 1)), batch_size=4, epochs=epochs, verbose=0, callbacks=[pace, seen])
    return seen.rates, history


def test_pace_sets_the_rate_of_every_step_and_logs_it():
    recipe = _recipe(warmup_steps=2, decay="cosine", learning_rate=0.01)
    rates, history = _fit(Pace(recipe, Budget(6)), epochs=2)
    expected = [learning_rate(recipe, step, step / 6, 3) for step in range(6)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
    np.testing.assert_allclose(history.history["learning_rate"], [expected[2], expected[5]], rtol=1e-6)
    assert history.history["steps"] == [3, 6]
    assert history.history["seconds"][0] <= history.history["seconds"][1]


def test_pace_ends_the_run_by_the_clock_within_an_epoch_with_the_rate_near_zero():
    # The clock is read about three times a step, 1 s each: 20 s are over long before 300 steps.
    pace = Pace(_recipe(decay="cosine", learning_rate=0.01), Budget(300, minutes=20 / 60, clock=_Clock(tick=1)))
    rates, history = _fit(pace, epochs=100)
    assert 3 < pace.step == len(rates) < 20
    assert pace.step % 3 != 0 or len(history.epoch) == pace.step // 3
    assert rates[0] > 0.0095
    assert rates[-1] < 0.001
    assert rates == sorted(rates, reverse=True)


def test_pace_goes_on_from_the_optimizers_step():
    recipe = _recipe(decay="cosine", learning_rate=0.01)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(), loss="mse")
    x, y = np.ones((12, 2)), np.ones((12, 1))
    model.fit(x, y, batch_size=4, epochs=1, verbose=0)
    seen = _Rates()
    model.fit(x, y, batch_size=4, epochs=1, verbose=0, callbacks=[Pace(recipe, Budget(6)), seen])
    np.testing.assert_allclose(seen.rates, [learning_rate(recipe, s, s / 6, 3) for s in (3, 4, 5)], rtol=1e-6)


def test_a_loss_that_is_not_finite_ends_the_run_with_an_error():
    x = np.ones((12, 2))
    x[5] = np.nan
    with pytest.raises(FloatingPointError, match=r"became nan at step [123]\. Try a lower `learning_rate`"):
        _fit(Pace(_recipe(), Budget(300)), epochs=100, inputs=x)
