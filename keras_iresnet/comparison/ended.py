"""What has ended in the folder of a comparison before, whichever command it was asked for by."""

import pathlib
import re

from keras_iresnet.comparison.contestants import CLASSICAL
from keras_iresnet.comparison.plan import Plan
from keras_iresnet.runs.run_folder import RunFolder

_RUN = re.compile(r"(?P<name>\w+)-seed(?P<seed>\d+)(-rate.*)?")


def has_ended(folder: pathlib.Path) -> bool:
    """Whether a run has ended there: trained, evaluated and drawn."""
    return "total_seconds" in RunFolder(folder).read_metrics()


def ended_runs(out: pathlib.Path, plan: Plan) -> dict[str, dict[int, RunFolder]]:
    """Contestant -> seed -> its run that has ended, at whichever rate of learning."""
    found: dict[str, dict[int, RunFolder]] = {}
    for path in sorted((out / "runs").glob("*")):
        named = _RUN.fullmatch(path.name)
        if named and named["name"] in plan.held["models"] and has_ended(path):
            found.setdefault(named["name"], {})[int(named["seed"])] = RunFolder(path)
    return found


def ended_fits(out: pathlib.Path) -> set[str]:
    """Those of scikit-learn's densities that were compared."""
    return {path.stem for path in (out / "scores").glob("*.npy")} & set(CLASSICAL)
