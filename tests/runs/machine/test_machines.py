"""Two workers on this machine, each a process, against one process."""

import csv

import numpy as np
import pytest
from workers import finish_workers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]


def _column(run, name):
    return [float(row[name]) for row in csv.DictReader(run.history.open())]


@pytest.mark.parametrize("model", ["digits_flow", "hybrid_classifier"])
def test_two_workers_train_as_one_process_does(tmp_path, model):
    single, double = tmp_path / "single", tmp_path / "double"
    single.mkdir()
    double.mkdir()
    one, two = finish_workers(single, workers=1, model=model), finish_workers(double, model=model)
    np.testing.assert_allclose(_column(two, "loss"), _column(one, "loss"), rtol=1e-4)
    np.testing.assert_allclose(_column(two, "val_loss"), _column(one, "val_loss"), rtol=0.02)  # noise of other rows
    arrays, other, alone = (dict(np.load(path)) for path in (double / "0.npz", double / "1.npz", single / "0.npz"))
    held = [name for name in arrays if not name.startswith("metrics/")]
    assert arrays.keys() == other.keys() == alone.keys()
    assert len(held) > 30
    for name in held:
        np.testing.assert_array_equal(arrays[name], other[name], strict=True)
        # A singular vector's sign says nothing.
        np.testing.assert_allclose(abs(arrays[name]), abs(alone[name]), rtol=1e-3, atol=1e-4)
    assert sorted(path.name for path in double.iterdir()) == ["0", "0.log", "0.npz", "1.log", "1.npz"]  # the chief's
    assert two.read_metrics()["test_bits_per_dim"] == pytest.approx(one.read_metrics()["test_bits_per_dim"], rel=1e-3)
