import io
import json
import pathlib
import re
import shlex
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import keras_iresnet as ki
import keras_iresnet_cli
from keras_iresnet import runs
from keras_iresnet_cli import cli, tables

TINY = ["--blocks", "1", "--channels=4", "--epochs", "1", "--batch-size", "512"]


def _invoke(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder made by the command, and what the command printed."""
    path = tmp_path_factory.mktemp("runs") / "Läufe vom Mai"
    result = _invoke("train", *TINY, "digits_flow", "--out", path)
    assert result.exit_code == 0, result.output
    return path, result


def test_train_ends_with_the_figures_and_where_to_look(run):
    path, result = run
    metrics = json.loads((path / "metrics.json").read_text())
    figure, error = metrics["test_bits_per_dim"], metrics["test_bits_per_dim_standard_error"]
    assert f"{figure:.4f} ± {error:.4f}" in result.stdout
    assert str(path / "samples.png") in "".join(result.stdout.splitlines())
    assert re.search(r"epoch 1/1  \d\.\d{3} bits/dim, validation \d\.\d{3}", result.stderr)
    assert "epoch" not in result.stdout.replace("epochs", "").replace("best_epoch", "")


def test_train_takes_recipe_fields_and_builder_keywords(run):
    config = json.loads((run[0] / "config.json").read_text())
    assert config["builder"]["channels"] == 4
    assert config["recipe"]["batch_size"] == 512


def test_what_train_says_to_do_next_can_be_pasted(run):
    path, result = run
    *_, first, second = result.stdout.splitlines()
    assert shlex.split(first.removeprefix("Next: ")) == ["keras-iresnet", "evaluate", str(path)]
    assert shlex.split(second.removeprefix("  or: ")) == ["tensorboard", "--logdir", str(path)]


def test_options_may_be_spelt_with_underscores(tmp_path):
    result = _invoke("train", "digits_flow", "--out", tmp_path, "--batch_size", "0")
    assert result.exit_code == 2
    assert "Received: batch_size=0" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no_flow"], "Received: name='no_flow'"),
        (
            ["digits_flow", "--chanels", "4"],
            "--batch-size, --bins, --block, --blocks, --bounds, --branch, --certify-action,",
        ),
        (["digits_flow", "--units", "4"], "Received: --units"),
        (["digits_flow", "--epochs", "many"], "`epochs` must be of type int or none. Received: epochs='many'"),
        (["digits_flow", "--minutes", "0"], "`minutes` must be positive"),
        (["digits_flow", "--devices", "CPU:0,CPU:9"], "`devices` must be distinct names out of CPU:0"),
        (["digits_flow", "--dataset", "mnits"], "Received: name='mnits'"),
    ],
)
def test_train_reports_what_is_wrong_without_a_traceback(words, message, tmp_path):
    result = _invoke("train", *words, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


def test_train_refuses_a_folder_that_holds_a_run_or_cannot_be_written(run, tmp_path):
    result = _invoke("train", "toy_flow", "--out", run[0])
    assert result.exit_code == 2
    assert "holds a run of digits_flow" in result.stderr
    (tmp_path / "file").touch()
    result = _invoke("train", "toy_flow", "--out", tmp_path / "file")
    assert result.exit_code == 2
    assert "must be a folder that can be written" in result.stderr


def test_debug_lets_errors_through():
    result = _invoke("--debug", "train", "no_flow")
    assert isinstance(result.exception, ValueError)


def test_evaluate_prints_the_figures_of_the_run(run):
    result = _invoke("evaluate", run[0], "--split", "validation")
    assert result.exit_code == 0
    metrics = json.loads((run[0] / "metrics.json").read_text())
    assert f"{metrics['validation_bits_per_dim']:.4f} ±" in result.stdout
    assert "144" in result.stdout


def test_sample_writes_a_picture_and_says_where(run, tmp_path):
    out = tmp_path / "x.png"
    result = _invoke("sample", run[0], "--n", 4, "--temperature", 0.7, "--seed", 3, "--out", out)
    assert result.exit_code == 0
    assert result.stdout.strip() == str(out)
    assert out.stat().st_size > 0


def test_reconstruct_prints_how_it_went_and_where_the_picture_is(run, tmp_path):
    out = tmp_path / "x.png"
    result = _invoke("reconstruct", run[0], "--n", 4, "--seed", 3, "--out", out)
    assert result.exit_code == 0
    assert re.search(r"max_abs_error\W+\d", result.stdout)
    assert re.search(r"not_converged\W+0\b", result.stdout)
    assert result.stdout.strip().endswith(str(out))
    assert out.stat().st_size > 0


def test_interpolate_takes_its_options(run, tmp_path):
    out = tmp_path / "x.npy"
    options = ["--pairs", 2, "--steps", 3, "--method", "linear", "--temperature", 0.5, "--seed", 1]
    result = _invoke("interpolate", run[0], *options, "--out", out)
    assert result.exit_code == 0
    assert result.stdout.strip() == str(out)
    assert np.load(out).shape == (2, 3, 8, 8, 1)
    assert _invoke("interpolate", run[0], "--method", "cubic").exit_code == 2


@pytest.mark.parametrize("command", ["sample", "interpolate"])
@pytest.mark.parametrize("temperature", ["-1", "nan"])
def test_a_temperature_that_cannot_be_is_refused(command, temperature, run):
    result = _invoke(command, run[0], "--temperature", temperature)
    assert result.exit_code == 2
    assert f"`temperature` must be at least 0. Received: temperature={float(temperature)}" in result.stderr


@pytest.mark.parametrize("command", ["evaluate", "sample", "reconstruct", "interpolate"])
def test_a_folder_without_a_run_is_refused(command, tmp_path):
    result = _invoke(command, tmp_path)
    assert result.exit_code == 2
    assert "must be a run folder" in result.stderr


def _command(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


def test_the_installed_command_prints_its_answer_and_nothing_of_tensorflow():
    result = _command(str(pathlib.Path(sys.executable).parent / "keras-iresnet"), "list")
    assert (result.returncode, result.stderr) == (0, "")
    assert "digits_flow" in result.stdout
    assert "InitializeLog" not in result.stdout


def test_the_installed_command_answers_help_without_starting_tensorflow():
    command = pathlib.Path(sys.executable).parent / "keras-iresnet"
    result = _command(sys.executable, "-X", "importtime", str(command), "--help")
    assert "Usage: keras-iresnet" in result.stdout
    assert "click" in result.stderr  # -X importtime lists there what is imported
    assert "tensorflow" not in result.stderr


@pytest.mark.parametrize("script", ["train", "evaluate", "certify", "sample", "reconstruct", "interpolate"])
def test_scripts_are_the_same_commands(script):
    path = pathlib.Path(__file__).parents[1] / "scripts" / f"{script}.py"
    result = _command(sys.executable, str(path), "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"Usage: {script}.py {script} [OPTIONS]")
    described = _invoke(script, "--help").stdout.split(maxsplit=3)[-1]
    assert described.split()[-20:] == result.stdout.split()[-20:]


@pytest.mark.parametrize("option", ["--size=digits", "--set=epochs=1", "--data-dir=x"])
def test_options_of_training_are_refused_beside_runs(option):
    result = _invoke("figures", "singular-values", "run", option)
    assert result.exit_code == 2
    assert "must go without RUNS" in result.stderr


@pytest.mark.parametrize("count", [2, 5])
def test_a_study_is_shown_with_few_columns(count, capsys):
    rows = [{"model": f"m{i}", "some_error": 0.123456, "images": 1000, "holds": True} for i in range(count)]
    tables.show_rows(["there/study.csv"], rows)
    lines = [line for line in capsys.readouterr().out.splitlines() if any(map(str.isalnum, line))]
    *cells, path = [line.replace("│", " ").replace("┃", " ").split() for line in lines]
    expected = [
        ["model", "some_error", "images", "holds"],
        *([row["model"], "0.1235", "1,000", "True"] for row in rows),
    ]
    assert cells == (expected if count == 5 else [list(column) for column in zip(*expected, strict=True)])
    assert path == ["there/study.csv"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_training_that_a_signal_ended_exits_as_the_shell_expects(number, status, monkeypatch):
    def ended(*_, **__):
        raise runs.TerminatedError("the state is saved; it goes on with: keras-iresnet train --resume x", number)

    monkeypatch.setattr(runs, "train", ended)
    result = CliRunner().invoke(cli, ["train", "digits_flow", "--out", "x"])
    assert result.exit_code == status
    assert "goes on with: keras-iresnet train --resume x" in result.stderr


def test_a_training_whose_solves_fail_is_told_without_a_traceback(monkeypatch):
    def failing(*_, **__):
        raise ki.NotConvergedError("The forward solves of block must converge.")

    monkeypatch.setattr(runs, "train", failing)
    result = CliRunner().invoke(cli, ["train", "toy_flow", "--out", "x"])
    assert result.exit_code == 2
    assert result.stderr == "Error: The forward solves of block must converge.\n"


def test_memory_that_tensorflow_has_not_is_told_as_pythons_is(monkeypatch, tmp_path):
    def asking(*arguments, **options):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor\nwith more to say")

    monkeypatch.setattr(runs, "train", asking)
    result = _invoke("train", "toy_flow", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "There is not enough memory" in result.output
    assert result.output.strip().endswith("OOM when allocating tensor")


def test_a_terminal_that_lacks_a_character_shows_a_question_mark(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(keras_iresnet_cli, "cli", lambda arguments: print("0.1 ± 0.2"))
    keras_iresnet_cli.main([])
    stream.flush()
    assert stream.buffer.getvalue() == b"0.1 ? 0.2\n"
