"""Clocks that are wrong, locales that know little."""

import time

import numpy as np
from fault import Outcome, fault

from keras_iresnet.runs import RunFolder

YEARS = 10 * 365 * 24 * 3600.0
LOCALES = {
    "no UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "POSIX": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "not installed": {"LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8"},
    "the day after": {"TZ": "Pacific/Kiritimati"},
    "the day before": {"TZ": "Etc/GMT+12"},
}


@fault(
    "surroundings",
    names=r"^$",
    survives="all; the run ends as ever, to the bit",
    few=["back"],
    every=["back", "forward"],
)
def a_clock_that_jumps(room, where) -> Outcome:
    """The clock jumps by ten years in the middle of a run that goes on; `train --resume`, then `sample`."""
    run, real, calls = room.run(ended=False), time.time, 0
    run.states()[0].unlink()  # a step is left

    def jumping():
        nonlocal calls
        calls += 1
        return real() + (calls > 3) * (-YEARS if where == "back" else YEARS)

    time.time = jumping
    try:
        outcome = room.command("train", "--resume", run.path)
        drawn = room.sampled_as_ever(run)
    finally:
        time.time = real
    assert drawn.unharmed, drawn.text
    return room.as_trained(run, outcome)


@fault(
    "surroundings",
    names=r"^$",
    survives="all; figures and scores are the same, to the last digit",
    elsewhere="tests/data/own/test_table_file.py",
    every=list(LOCALES),
)
def a_locale_that_knows_little(room, which) -> Outcome:
    """Names are beyond ASCII, the locale is not UTF-8, not there, or of another day; `train` and `score`."""
    expected = scores_in(room, {"LC_ALL": "C.UTF-8", "TZ": "UTC"})
    found = scores_in(room, LOCALES[which])
    assert found == expected
    return Outcome(0, "", unharmed=True)


def scores_in(room, environment) -> tuple[object, ...]:
    """What a training and scores of a table come to in an environment."""
    folder = room.new() / "Läufe"
    folder.mkdir()
    table = folder / "größen.csv"
    rows = np.random.default_rng(0).normal(size=(60, 2))
    table.write_text("größe,gewicht\n" + "".join(f"{a:.6f},{b:.6f}\n" for a, b in rows), encoding="utf-8")
    words = ["--blocks", 1, "--units", "8", "--epochs", 1, "--batch-size", 16, "--deterministic"]
    trained = command(room, environment, "train", "tabular_flow", "--dataset", table, "--out", folder / "lauf", *words)
    scored = command(room, environment, "score", folder / "lauf", table)
    assert "größe" in trained.text + scored.text or "gr\\xf6" in trained.text + scored.text, trained.text
    figures = {k: v for k, v in RunFolder(folder / "lauf").read_metrics().items() if "seconds" not in k}
    return figures, (folder / "lauf" / "scores.csv").read_text(encoding="utf-8")


def command(room, environment, *words) -> Outcome:
    """A command in a process and an environment of its own, which must end well."""
    outcome = room.process("-m", "keras_iresnet_cli", *words, **environment)
    assert outcome.status == 0, outcome.text
    return outcome
