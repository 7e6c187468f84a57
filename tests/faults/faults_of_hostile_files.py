"""Files that want to run code, or to write where they have no business."""

import hashlib
import pathlib
import pickle
import sys
import tempfile
import types
import zipfile
from unittest import mock

import keras
import numpy as np
from fault import Outcome, fault
from faults_of_files import KEPT, rewrite
from room import untouched

UNRUN = f"{KEPT}; nothing of the file was run"
HOSTILE = {
    "a lambda": lambda marker: keras.saving.serialize_keras_object(
        keras.layers.Lambda(eval(f"lambda x: open({str(marker)!r}, 'w') and x"), output_shape=(2,))
    ),
    "a module of one's own": lambda marker: {
        "module": "foreign_module", "class_name": "Layer", "config": {}, "registered_name": "Layer",
    },
    "a function of the system": lambda marker: {
        "module": "os", "class_name": "system", "config": {"command": f"touch {marker}"}, "registered_name": "system",
    },
    "a function as activation": lambda marker: {
        "module": "keras.layers", "class_name": "Activation", "registered_name": None,
        "config": {"activation": {"module": "subprocess", "class_name": "function", "config": "getoutput",
                                  "registered_name": "function"}},
    },
}  # fmt: skip


@fault(
    "files",
    names=r"best\.keras",
    survives=UNRUN,
    few=list(HOSTILE),
    every=list(HOSTILE),
)
def code_in_a_checkpoint(room, kind) -> Outcome:
    """A layer of best.keras is code that leaves a mark when it is run or imported; `sample`."""
    run, folder = room.run(), room.new()
    marker = folder / "marker"
    (folder / "foreign_module.py").write_text(f"open({str(marker)!r}, 'w')")

    def hostile(config):
        config["config"]["layer"]["config"]["layers"][0] = HOSTILE[kind](marker)
        return config

    rewrite(run.best, hostile)
    sys.path.insert(0, str(folder))
    try:
        with untouched(run.path):
            return room.sampled(run)
    finally:
        sys.path.remove(str(folder))
        assert not marker.exists()


class Marked:
    """What leaves a mark when pickle makes it."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def pickled(kind: str, path: pathlib.Path, marker: pathlib.Path) -> None:
    """Write arrays that only pickle can read."""
    content = np.array([Marked(marker)], dtype=object)
    if kind == "pickle":
        path.write_bytes(pickle.dumps(content))
    elif kind == "npy":
        np.save(path, content, allow_pickle=True)
    else:
        np.savez(path, x=content)


@fault("files", names=r"data\.np[yz]|ethylene_CO\.pickle", survives=UNRUN, few=["npy"], every=["npy", "npz", "pickle"])
def code_in_data(room, kind) -> Outcome:
    """An array of data, or a published table, holds pickled code; `train --dataset`."""
    folder = room.new()
    (folder / "gas").mkdir()
    data, marker = folder / (f"data.{kind}" if kind != "pickle" else "gas/ethylene_CO.pickle"), folder / "marker"
    pickled(kind, data, marker)
    dataset = ["maf/gas", "--data-dir", folder] if kind == "pickle" else [data]
    reader = types.SimpleNamespace(read_pickle=lambda file: pickle.loads(file.read_bytes()))  # as pandas would
    with untouched(folder), mock.patch.dict(sys.modules, {"pandas": reader}):
        outcome = room.command("train", "tabular_flow", "--dataset", *dataset, "--out", folder / "run")
    assert not marker.exists()
    return outcome


@fault(
    "files",
    names=r"last\.\d+\.state",
    survives=f"{UNRUN}, but for the name",
    few=["npz"],
    every=["npz"],
)
def code_in_a_state(room, kind) -> Outcome:
    """Every state of a run is pickled code, under a right checksum; `train --resume`."""
    run, marker = room.run(ended=False), room.new() / "marker"
    for path in run.states():
        pickled("npz", path.with_suffix(".npz"), marker)
        payload = path.with_suffix(".npz").read_bytes()
        path.with_suffix(".npz").unlink()
        path.write_bytes(b"keras-iresnet state 1\n" + hashlib.sha256(payload).digest() + payload)
    outcome = room.command("train", "--resume", run.path)
    assert not marker.exists()
    assert len(run.refused_states()) == 2
    return outcome


@fault(
    "files",
    names=r"best\.keras",
    survives=KEPT + "; nothing lies outside of the folder",
    few=["../outside"],
    every=["../outside", "assets/../../outside", "/absolute"],
)
def an_archive_that_leaves_its_folder(room, name) -> Outcome:
    """best.keras holds a file whose name leads out of its folder; `sample`."""
    run, outside = room.run(), room.new() / "outside"
    name = str(outside) if name == "/absolute" else name
    with zipfile.ZipFile(run.best, "a") as archive:
        archive.writestr(name, "mark of the archive")
        archive.writestr("assets/kept.txt", "as files with assets have")
    places = {
        run.path.parent / "outside",
        outside,
        pathlib.Path(tempfile.gettempdir()) / "outside",
        pathlib.Path("outside"),
    }
    places |= {run.path.parents[1] / "outside"}
    with untouched(run.path):
        outcome = room.sampled_as_ever(run)
    assert not [place for place in places if place.is_file()]
    return outcome
