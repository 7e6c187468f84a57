"""Workers of one run on this machine, each a process."""

import json
import os
import pathlib
import socket
import subprocess
import sys

from keras_iresnet.runs import RunFolder

SCRIPT = pathlib.Path(__file__).with_name("worker.py")


def start_workers(folder, command="train", fields=(), workers=2, model="digits_flow"):
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


def finish_workers(folder, *arguments, **options):
    """The run of workers that came to its end."""
    processes = start_workers(folder, *arguments, **options)
    codes = [process.wait(1200) for process in processes]
    assert codes == [0] * len(processes), [(folder / f"{i}.log").read_text()[-2000:] for i in range(len(processes))]
    return RunFolder(folder / "0")


def _free_ports(count):
    with_ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in with_ports]
    for server in with_ports:
        server.close()
    return ports
