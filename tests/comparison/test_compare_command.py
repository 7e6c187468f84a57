"""`keras-iresnet compare` as it is typed: what it prints, and how it ends."""

import json
import pathlib
import re
import shlex
import sys

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from keras_iresnet.comparison import compare
from keras_iresnet.runs import TerminatedError
from keras_iresnet_cli import cli

SMALL = {"steps": 12, "blocks": 1, "parameters": 300, "pairs": 0, "progress": False}
MODULE = sys.modules["keras_iresnet.comparison.compare"]  # the package has the function by that name


def test_a_signal_names_the_command_of_the_comparison(table, tmp_path, monkeypatch):
    def train(*_, **__):
        raise TerminatedError("SIGTERM ended the run.", 15, "It goes on with: keras-iresnet train --resume x")

    monkeypatch.setattr(MODULE, "train", train)
    with pytest.raises(TerminatedError) as caught:
        compare(table, tmp_path / "out", models=("nice",), overrides={"batch_size": 32}, **SMALL)
    said, command = str(caught.value).split(" The comparison goes on with: ")
    assert (said, caught.value.signal) == ("SIGTERM ended the run.", 15)
    again = []
    monkeypatch.setattr(MODULE, "compare", None)
    monkeypatch.setattr("keras_iresnet.comparison.compare", lambda *a, **o: again.append((a, o)) or ((), ROWS))
    words = shlex.split(command)
    assert words[:2] == ["keras-iresnet", "compare"]
    assert CliRunner().invoke(cli, words[1:]).exit_code == 0
    ((dataset, out), options), *_ = again
    assert (dataset, out) == (str(table), str(tmp_path / "out"))
    assert (options["models"], options["seeds"], options["steps"], options["blocks"]) == (("nice",), (0,), 12, 1)
    assert (options["overrides"], options["pairs"], options["minutes"]) == ({"batch_size": "32"}, 0, None)


ROWS = [
    {"model": name, "test_log_likelihood_nats": value, "behind_best": 1.5, "behind_best_standard_error": 0.25}
    | {"test_log_likelihood_nats_seed_standard_error": None, "test_log_likelihood_nats_example_standard_error": 11.25}
    | {"parameters": 865_007, "seeds": 1, "steps": 10.0, "train_seconds": 3.0, "learning_rate": 0.004}
    for name, value in (("mixture of Gaussians", -1931.125), ("i-RevNet's blocks", -1932.5))
]


def test_the_table_is_printed_in_80_columns(table, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_iresnet.comparison.compare", lambda *_, **__: ([pathlib.Path("x.csv")], ROWS))
    result = CliRunner().invoke(cli, ["compare", str(table), "--out", str(tmp_path)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    assert "…" not in result.stdout
    line = next(line for line in result.stdout.splitlines() if "mixture of Gaussians" in line)
    cells = [cell.strip() for cell in re.split("[│|]", line) if cell.strip()]
    assert cells == ["mixture of Gaussians", "-1931.125 ± – ± 11.250", "1.500 ± 0.250", "865,007"]
    assert result.stdout.endswith("x.csv\n")


def test_where_all_diverge_there_is_a_page_and_an_error(tmp_path):
    options = ["--steps", "3", "--blocks", "1", "--parameters", "300", "--test-examples", "50", "--pairs", "0"]
    words = ["compare", "toy/moons", "--models", "nice", *options, "--set", "learning_rate=1e12"]
    result = CliRunner().invoke(cli, [*words, "--out", str(tmp_path / "out")])
    assert result.exit_code == 1, result.output
    assert "Error: Every training diverged" in result.stderr
    assert "diverged" in result.stdout
    assert "NICE" in (tmp_path / "out" / "comparison.html").read_text()
    assert not (tmp_path / "out" / "densities.png").exists()


@pytest.mark.slow
def test_images_are_compared_in_bits_by_the_command(tmp_path):
    given = {"models": "iresnet,glow", "steps": 2, "blocks": 1, "parameters": 2000, "test-examples": 40, "pairs": 1}
    words = [word for option, value in given.items() for word in (f"--{option}", str(value))]
    words += ["--json", "--out"]
    result = CliRunner().invoke(cli, ["compare", "digits", *words, str(tmp_path / "digits")])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {row["model"] for row in found["rows"]} == {"i-ResNet", "Glow"}
    for row in found["rows"]:
        assert 1 < row["test_bits_per_dim"] < 4.2
        assert 1500 < row["parameters"] < 2500
        assert 0 < row["inverse_milliseconds"] < 1e5
        assert row["step_milliseconds"] != row["sample_milliseconds"]
    assert {pathlib.Path(path).name for path in found["paths"]} >= {"samples.png", "likelihoods.png", "comparison.html"}
    assert all(pathlib.Path(path).is_file() for path in found["paths"])
    result = CliRunner().invoke(cli, ["compare", "digits", *words[:-2], "--models", "mixture", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "`models` must be among iresnet" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [["compare", "--models", "nice,made", "--pairs", "1"], ["train", "nice", "--dataset"]]
)
def test_pictures_of_more_than_128_values_have_bits(words, tmp_path):
    folder, rng = tmp_path / "pictures", np.random.default_rng(0)
    folder.mkdir()
    for index in range(60):
        keras.utils.save_img(folder / f"{index}.png", rng.integers(0, 256, (8, 8, 3)), scale=False)
    options = ["--steps", "2", "--json", "--out", str(tmp_path / "out")]
    if words[0] == "train":
        options += ["--minutes", "none", "--epochs", "none", "--blocks", "1", "--units", "8,8", "--batch-size", "16"]
    else:
        options += ["--blocks", "1", "--parameters", "2000"]
    result = CliRunner().invoke(cli, [*words, str(folder), *options])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    for row in found.get("rows", [found]):
        assert 5 < row["test_bits_per_dim"] < 12
