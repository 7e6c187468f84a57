"""The table of runs, from folders whose figures are known."""

import json
import pathlib
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from study_case import study

import keras_iresnet_cli
from keras_iresnet.studies.blocks_table import blocks_table, rows_of_runs

BEFORE = pathlib.Path(__file__).parents[1] / "compatibility" / "before" / "run"


def run(folder, bits, *, seed=0, metrics=None, recipe=None, **builder):
    """A run folder with a checkpoint, these settings and this result."""
    shutil.copytree(BEFORE, folder)
    config = json.loads((folder / "config.json").read_text())
    config["builder"] |= {"seed": seed, **builder}
    config["recipe"] |= {"seed": seed, **(recipe or {})}
    (folder / "config.json").write_text(json.dumps(config))
    found = json.loads((folder / "metrics.json").read_text())
    found |= {"test_bits_per_dim": bits, "parameters": 1000, "steps": 50, "train_seconds": 120.0, **(metrics or {})}
    (folder / "metrics.json").write_text(json.dumps(found))
    return folder


@pytest.fixture
def runs(tmp_path):
    return [
        run(tmp_path / "plain_0", 2.0),
        run(tmp_path / "plain_1", 2.2, seed=1, metrics={"steps": 70}),
        run(tmp_path / "monotone_0", 1.9, block="monotone", activation="clipswish"),
        run(tmp_path / "monotone_1", 1.7, seed=1, block="monotone", activation="clipswish"),
        run(tmp_path / "roulette", 1.95, log_det="roulette", metrics={"parameters": 2000}),
    ]


def test_rows_are_groups_of_seeds_from_best_to_worst(runs, tmp_path):
    paths, rows = blocks_table(runs, tmp_path / "out")
    arrays, written = study(paths)
    assert [(row["block"], row["activation"], row["log_det"], row["seeds"]) for row in rows] == [
        ("monotone", "clipswish", "series", 2),
        ("residual", "elu", "roulette", 1),
        ("residual", "elu", "series", 2),
    ]
    np.testing.assert_allclose([row["bits_per_dim"] for row in rows], [1.8, 1.95, 2.1])
    np.testing.assert_allclose([row["behind_the_best"] for row in rows], [0, 0.15, 0.3], atol=1e-12)
    assert [row["seed_standard_error"] for row in rows] == [pytest.approx(0.1), None, pytest.approx(0.1)]
    assert [row["behind_standard_error"] for row in rows] == [None, None, pytest.approx(0.1 * np.sqrt(2))]
    assert rows[1]["example_standard_error"] == pytest.approx(0.0106, rel=0.01)
    assert [row["parameters"] for row in rows] == [1000, 2000, 1000]
    assert rows[2]["examples_seen"] == 60 * 64
    assert rows[2]["train_minutes"] == 2
    assert list(rows[0])[:3] == ["activation", "block", "log_det"]
    assert "coeff" not in rows[0]
    assert [row["block"] for row in written] == ["monotone", "residual", "residual"]
    np.testing.assert_allclose(arrays["bits_per_dim"], [2.0, 2.2, 1.9, 1.7, 1.95])


def test_runs_of_one_row_may_differ_in_what_is_said_to_be_alike(tmp_path):
    runs = [
        run(tmp_path / "first", 2.0, recipe={"minutes": 5.0, "steps": None}),
        run(tmp_path / "second", 2.2, seed=1, recipe={"minutes": None, "steps": 50}),
    ]
    assert [row["seeds"] for row in rows_of_runs(runs)] == [1, 1]
    assert [row["seeds"] for row in rows_of_runs(runs, alike=("minutes", "steps"))] == [2]
    assert "minutes" not in rows_of_runs(runs, alike=("minutes", "steps"))[0]


def test_one_run_is_a_table_too(runs, tmp_path):
    (row,) = blocks_table(runs[:1], tmp_path / "out")[1]
    assert next(iter(row)) == "parameters"
    assert row["behind_the_best"] == 0


def test_command_prints_the_rows(runs, tmp_path):
    words = ["figures", "blocks", *map(str, runs), "--out", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(keras_iresnet_cli.cli, words)
    assert result.exit_code == 0, result.output
    assert "monotone" in result.stdout
    assert (tmp_path / "out" / "blocks.md").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": {"dataset": "mnist"}}, "on one data set. Received: digits, mnist"),
        ({"metrics": {"test_images": 100}}, "evaluated on as many examples. Received: 100, 360"),
        ({"metrics": {"bins": 16}}, "of as many bins. Received: 16, 17"),
    ],
)
def test_what_cannot_be_compared_is_refused(runs, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        blocks_table([*runs, run(tmp_path / "other", 1.0, **changes)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_runs_without_figures_are_refused(runs, tmp_path):
    with pytest.raises(ValueError, match=r"evaluate RUN --split train.*none of train_bits_per_dim, train_error_"):
        blocks_table(runs, tmp_path / "out", split="train")
    with pytest.raises(ValueError, match="at least one run folder"):
        blocks_table([], tmp_path / "out")


def run_of(measure, folder, value, **builder):
    """A run folder whose figure is another than bits/dim."""
    run(folder, 0.0, **builder)
    found = json.loads((folder / "metrics.json").read_text())
    found = {key: value for key, value in found.items() if "bits_per_dim" not in key} | {
        f"test_{measure}": value,
        f"test_{measure}_standard_error": 0.5,
    }
    (folder / "metrics.json").write_text(json.dumps(found))
    return folder


def test_points_are_compared_in_nats_of_which_more_is_better(tmp_path):
    runs = [
        run_of("log_likelihood_nats", tmp_path / "plain", -2.5),
        run_of("log_likelihood_nats", tmp_path / "free", -2.0, coeff="none"),
    ]
    rows = blocks_table(runs, tmp_path / "out")[1]
    assert [(row["coeff"], row["log_likelihood_nats"], row["behind_the_best"]) for row in rows] == [
        ("none", -2.0, 0.0),
        ("0.9", -2.5, 0.5),
    ]
    figures = json.loads((runs[1] / "metrics.json").read_text())
    points = {"test_points": figures.pop("test_images")}
    (runs[1] / "metrics.json").write_text(json.dumps(figures | points))
    assert len(rows_of_runs(runs)) == 2
    (runs[1] / "metrics.json").write_text(json.dumps(figures | {"test_points": 7}))
    with pytest.raises(ValueError, match=r"on as many examples. Received: 7, 360"):
        rows_of_runs(runs)


def test_classifiers_are_compared_by_their_errors(tmp_path):
    def classifier(name, error, **builder):
        return run_of("error_percent", tmp_path / name, error, **builder)

    runs = [classifier("plain", 2.5), classifier("free", 2.0, coeff="none"), classifier("free_1", 3.0, seed=1)]
    rows = blocks_table(runs, tmp_path / "out")[1]
    assert [(row["coeff"], row["error_percent"], row["example_standard_error"]) for row in rows] == [
        ("none", 2.0, 0.5),
        ("0.9", 2.75, 0.5),
    ]
    with pytest.raises(ValueError, match=r"measured alike. Received: bits_per_dim, error_percent"):
        blocks_table([*runs, run(tmp_path / "flow", 2.0)], tmp_path / "other")
