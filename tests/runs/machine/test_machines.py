"""Two workers on this machine, each a process, against one process."""

import csv
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_iresnet.runs import RunFolder

SCRIPT = pathlib.Path(__file__).parents[2] / "helpers" / "worker.py"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]


def _free_ports(count):
    with_ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in with_ports]
    for server in with_ports:
        server.close()
    return ports


def _start(folder, command="train", fields=(), workers=2, model="digits_flow"):
    """The processes; the first writes its run into `folder`/0, and what each ends with goes to `folder`/<i>.npz."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in _free_ports(workers)]}
    processes = []
    for i in range(workers):
        task = {"cluster": cluster, "task": {"type": "worker", "index": i}}
        processes.append(
            subprocess.Popen(
                [sys.executable, str(SCRIPT), command, model, str(folder / str(i)), str(folder / f"{i}.npz"), *fields],
                env=os.environ | {"TF_CONFIG": json.dumps(task)},
                stdout=subprocess.DEVNULL,
                stderr=(folder / f"{i}.log").open("w"),
                text=True,
            )
        )
    return processes


def _finish(folder, *arguments, **options):
    processes = _start(folder, *arguments, **options)
    codes = [process.wait(1200) for process in processes]
    assert codes == [0] * len(processes), [(folder / f"{i}.log").read_text()[-2000:] for i in range(len(processes))]
    return RunFolder(folder / "0")


def _column(run, name):
    return [float(row[name]) for row in csv.DictReader(run.history.open())]


@pytest.mark.parametrize("model", ["digits_flow", "hybrid_classifier"])
def test_two_workers_train_as_one_process_does(tmp_path, model):
    single, double = tmp_path / "single", tmp_path / "double"
    single.mkdir()
    double.mkdir()
    one, two = _finish(single, workers=1, model=model), _finish(double, model=model)
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


def test_a_worker_that_is_killed_ends_the_others_and_the_run_goes_on(tmp_path):
    fields = ("epochs=12",)
    processes, run = _start(tmp_path, fields=fields), RunFolder(tmp_path / "0")
    while not run.states() or run.states()[0] < run.state(8):  # in the middle of the second epoch
        assert processes[0].poll() is None, (tmp_path / "0.log").read_text()[-2000:]
        time.sleep(0.05)
    processes[1].kill()
    killed = time.monotonic()
    code = processes[0].wait(600)
    waited = time.monotonic() - killed
    print(f"the chief ended after {waited:.1f} s")
    assert code == 2
    assert "Another machine of TF_CONFIG is gone" in (tmp_path / "0.log").read_text()
    assert waited < 300
    _finish(tmp_path, "resume", fields=fields)
    assert "Going on after" in (tmp_path / "0.log").read_text()
    assert len(_column(run, "loss")) == 12
    assert run.read_metrics()["epochs"] == 12
