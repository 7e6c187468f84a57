import numpy as np
import pytest


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """A table of 240 rows whose first two columns are a bent line, and the third is large."""
    rng = np.random.default_rng(0)
    t = rng.uniform(-2, 2, 240)
    rows = np.stack([t, t**2 + 0.2 * rng.normal(size=240), 700 + 300 * rng.normal(size=240)], -1)
    path = tmp_path_factory.mktemp("table") / "bent.csv"
    np.savetxt(path, rows, delimiter=",", header="a,b,c", comments="", fmt="%.6f")
    return path
