"""Training compiled by XLA, from the command line, against training that is not."""

import csv
import os
import subprocess
import sys

import pytest

OPTIONS = {
    "toy_flow": {"blocks": "1", "units": "8", "batch_size": "10000", "epochs": "1"},
    # Not by Adamax, which makes whole steps of gradients that are nothing but rounding.
    "digits_flow": {
        "blocks": "1",
        "channels": "4",
        "batch_size": "256",
        "epochs": "1",
        "ema_momentum": "0.9",
        "optimizer": "sgd",
        "learning_rate": "0.01",
    },
}


def _trained(name, folder, jit):
    """Modules that XLA compiled, and the row of the only epoch."""
    words = [word for option, value in OPTIONS[name].items() for word in (f"--{option}", value)]
    command = [sys.executable, "-m", "keras_iresnet_cli", "train", name, "--out", str(folder / "run"), "--jit", jit]
    flags = os.environ.get("XLA_FLAGS", "") + f" --xla_dump_to={folder / 'xla'}"
    done = subprocess.run(
        [*command, *words], env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (row,) = csv.DictReader((folder / "run" / "history.csv").open())
    return {file.name for file in folder.glob("xla/*")}, row


@pytest.mark.slow
@pytest.mark.timeout(2000)
@pytest.mark.parametrize("name", OPTIONS)
def test_a_step_is_compiled_and_trains_as_one_that_is_not(tmp_path, name):
    modules, row = _trained(name, tmp_path / "jit", "true")
    assert any("one_step_on_data" in module for module in modules)
    plain_modules, plain = _trained(name, tmp_path / "plain", "false")
    assert not any("one_step_on_data" in module for module in plain_modules)
    for column in ("loss", "val_loss"):
        assert float(row[column]) == pytest.approx(float(plain[column]), rel=1e-5)
