"""Clocks that are wrong, locales that know little."""

import pathlib
import time

import numpy as np
from fault import Outcome, fault

from keras_iresnet.runs import RunFolder

YEARS = 10 * 365 * 24 * 3600.0
LOCALES = {
    "no UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "not installed": {"LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8"},
    "the day after": {"TZ": "Pacific/Kiritimati"},
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
    """Columns have names beyond ASCII, the locale is not UTF-8, not there, or of another day; `train` and `score`."""
    expected = scores_in(room, "none of these", {"LC_ALL": "C.UTF-8", "TZ": "UTC"})
    found = scores_in(room, which, LOCALES[which])
    assert found == expected
    return Outcome(0, "", unharmed=True)


_known: dict[tuple[pathlib.Path, str], tuple[object, ...]] = {}


def scores_in(room, name, environment) -> tuple[object, ...]:
    """What a training and scores of a table come to in an environment, in a process of its own, once a room."""
    if (room.folder, name) in _known:
        return _known[room.folder, name]
    folder = room.new()
    table = folder / "sizes.csv"
    rows = np.random.default_rng(0).normal(size=(60, 2))
    table.write_text("größe,gewicht\n" + "".join(f"{a:.6f},{b:.6f}\n" for a, b in rows), encoding="utf-8")
    outcome = room.process(
        pathlib.Path(__file__).with_name("trained_and_scored.py"), table, folder / "run", **environment
    )
    assert outcome.status == 0, outcome.text
    figures = {k: v for k, v in RunFolder(folder / "run").read_metrics().items() if "seconds" not in k}
    _known[room.folder, name] = figures, (folder / "run" / "scores.csv").read_text(encoding="utf-8")
    return _known[room.folder, name]
