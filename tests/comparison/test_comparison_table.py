"""Order, differences and what is left out, by hand."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from keras_iresnet import data
from keras_iresnet.comparison.comparison_table import Entry, rows_of, tables_of


def _splits(**options):
    nothing = tf.data.Dataset.from_tensor_slices(np.zeros((1, 2), "float32"))
    return data.Splits("x", train=nothing, validation=nothing, test=nothing, **options)


POINTS = _splits(event_shape=(2,), bins=None)
IMAGES = _splits(event_shape=(2, 1, 1), bins=8)
RUN = {"steps": 2, "train_seconds": 1.0, "learning_rate": 0.1}
ENTRIES = [
    Entry("a", "A", np.array([[1.0, 2.0, 4.0], [1.0, 4.0, 6.0]]), 10, (RUN,) * 2),
    Entry("b", "B", np.array([[2.0, 4.0, 6.0]]), 20),
    Entry("c", "C", None, 30, diverged=(0, 1)),
]


def test_rows_of_points_by_hand():
    best, second, last = rows_of(ENTRIES, POINTS)
    assert [row["model"] for row in (best, second, last)] == ["B", "A", "C"]
    assert second["test_log_likelihood_nats"] == 3
    assert second["behind_best"] == 1
    # Differences of the examples, 1, 1 and 1.
    assert second["behind_best_standard_error"] == pytest.approx(0)
    # Means of the seeds, 7/3 and 11/3; of the examples, 1, 3 and 5.
    assert second["test_log_likelihood_nats_seed_standard_error"] == pytest.approx(2 / 3)
    assert second["test_log_likelihood_nats_example_standard_error"] == pytest.approx(2 / np.sqrt(3))
    assert (second["steps"], best["steps"]) == (2, None)
    assert (last["test_log_likelihood_nats"], last["diverged_seeds"]) == (None, "0 1")


def test_rows_of_images_are_bits_and_lower_is_better():
    best, second, _ = rows_of(ENTRIES, IMAGES)
    assert [best["model"], second["model"]] == ["B", "A"]
    assert best["test_bits_per_dim"] == pytest.approx(3 - 4 / (2 * np.log(2)))
    assert second["behind_best"] == pytest.approx(1 / (2 * np.log(2)))


def test_the_papers_figures_stand_in_a_column_of_their_own():
    splits = _splits(event_shape=(28, 28, 1), bins=256)
    named = [Entry("glow", "Glow", np.ones((1, 2)), 1)]
    assert "paper_bits_per_dim" in rows_of(named, splits)[0]
    assert rows_of(named, splits)[0]["paper_bits_per_dim"] is None
    assert rows_of(named, dataclasses.replace(splits, name="mnist"))[0]["paper_bits_per_dim"] == 1.05


def test_columns_in_which_nothing_is_known_are_not_shown():
    shown = tables_of(rows_of(ENTRIES[:2], POINTS))
    assert list(shown) == ["What they reached"]
    assert "diverged_seeds" not in shown["What they reached"][0]
    assert "test_log_likelihood_nats_seed_standard_error" in shown["What they reached"][0]
