"""Files that are damaged, foreign or of another version."""

import dataclasses
import io
import json
import pathlib
import random
import shutil
import zipfile

import numpy as np
from fault import Outcome, fault
from room import cut, flip, untouched

import keras_iresnet as ki
from keras_iresnet.models.files import preset as presets

SHARES = [i / 40 for i in range(40)]
FOREIGN = {
    "nothing": b"",
    "text": b"hello\n" * 99,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(99),
    "zeros": bytes(4096),
    "another archive": None,
}


def bits(count: int, seed: int) -> list[float]:
    """Places in a file at random, as shares of its bits."""
    rng = random.Random(seed)
    return [rng.random() for _ in range(count)]


def flip_at(path: pathlib.Path, share: float) -> None:
    """Turn over the bit at a share of a file."""
    flip(path, int(share * 8 * path.stat().st_size))


def foreign(kind: str) -> bytes:
    """What another program wrote."""
    if FOREIGN[kind] is not None:
        return FOREIGN[kind]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("letter.txt", "nothing of ours")
    return file.getvalue()


KEPT = "every file, as it is"


@fault("files", names=r"best\.keras", survives=KEPT, few=[0.5], every=SHARES)
def a_checkpoint_cut_short(room, share) -> Outcome:
    """best.keras is cut after a share of its bytes; `sample`."""
    run = room.run()
    cut(run.best, share)
    with untouched(run.path):
        return room.sampled(run)


@fault("files", names=r"best\.keras", survives=KEPT, few=[0.5, 0.985], every=bits(400, seed=1))
def a_bit_of_a_checkpoint_flipped(room, share) -> Outcome:
    """One bit of best.keras is turned over; `sample`, which either refuses or draws the same to the bit."""
    run = room.run()
    flip_at(run.best, share)
    with untouched(run.path):
        return room.sampled_as_ever(run)


@fault("files", names=r"best\.keras", survives=KEPT, few=["another archive"], every=list(FOREIGN))
def a_foreign_checkpoint(room, kind) -> Outcome:
    """best.keras is what another program wrote; `sample`."""
    run = room.run()
    run.best.write_bytes(foreign(kind))
    with untouched(run.path):
        return room.sampled(run)


@fault("files", names=r"best\.keras", survives=KEPT, few=["newer"], every=["newer", "older Keras"])
def a_checkpoint_of_another_version(room, which) -> Outcome:
    """best.keras is of a newer version of the package, or of a layout that Keras has no more; `sample`."""
    run = room.run()

    def newer(config):
        config["config"]["format_version"] = 1000
        return config

    def older(config):
        return {"class_name": "Model", "config": {"layers": []}, "keras_version": "2.0.0"}

    rewrite(run.best, newer if which == "newer" else older)
    with untouched(run.path):
        return room.sampled(run)


def rewrite(path: pathlib.Path, change) -> None:
    """Give an archive of Keras another config."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries["config.json"] = json.dumps(change(json.loads(entries["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


OTHERS = {
    "a classifier": lambda: ki.zoo.digits_classifier(blocks=(1, 1), channels=4, seed=0),
    "a flow of images": lambda: ki.zoo.digits_flow(blocks=(1,), channels=4, seed=0),
    "both in one": lambda: ki.zoo.hybrid_classifier(blocks=(1,), channels=4, seed=0),
}


@fault("files", names=r"best\.keras", survives=KEPT, few=["a classifier", "a flow of images"], every=list(OTHERS))
def a_checkpoint_of_another_model(room, which) -> Outcome:
    """best.keras is that of another run, whole and of a model of another kind; `evaluate`."""
    run = room.run()
    OTHERS[which]().save(run.best)
    with untouched(run.path):
        return room.command("evaluate", run.path)


STATE = {
    "names": r"last\.\d+\.state",
    "survives": "the state before it, from which the run goes on to the same end; the damaged file, renamed",
    "elsewhere": "tests/runs/state/test_save_state.py",
}


@fault("files", every=SHARES[::8], **STATE)
def a_state_cut_short(room, share) -> Outcome:
    """The latest state of a run that was interrupted is cut; `train --resume`."""
    return gone_on_without_latest(room, lambda path: cut(path, share))


@fault("files", every=bits(8, seed=2), **STATE)
def a_bit_of_a_state_flipped(room, share) -> Outcome:
    """One bit of the latest state of a run is turned over; `train --resume`."""
    return gone_on_without_latest(room, lambda path: flip_at(path, share))


@fault("files", every=list(FOREIGN), **STATE)
def a_foreign_state(room, kind) -> Outcome:
    """The latest state of a run is what another program wrote; `train --resume`."""
    return gone_on_without_latest(room, lambda path: path.write_bytes(foreign(kind)))


def gone_on_without_latest(room, damage) -> Outcome:
    """How a run goes on whose latest state is damaged."""
    run = room.run(ended=False)
    newest, _ = run.states()
    damage(newest)
    damaged = newest.read_bytes()
    outcome = room.command("train", "--resume", run.path)
    assert f"Refused {newest.name}" in outcome.text, outcome.text
    assert newest.with_name(f"{newest.name}.refused").read_bytes() == damaged
    return room.as_trained(run, outcome)


@fault("files", names=r"config\.json", survives=KEPT, few=[0.3, 0.7], every=bits(200, seed=3))
def a_bit_of_the_settings_flipped(room, share) -> Outcome:
    """One bit of config.json is turned over; `sample`."""
    run = room.run()
    flip_at(run.config, share)
    with untouched(run.path):
        return room.sampled_as_ever(run)


@fault("files", names=r"config\.json", survives=KEPT, few=[0.5], every=SHARES[::4])
def settings_cut_short(room, share) -> Outcome:
    """config.json is cut; `train --resume`."""
    run = room.run(ended=False)
    cut(run.config, share)
    with untouched(run.path):
        return room.command("train", "--resume", run.path)


LACKING = ["everything", "name", "recipe", "builder", "recipe.dataset", "recipe.seed", "overrides"]


@fault("files", names=r"config\.json", survives=KEPT, few=["everything", "recipe.seed"], every=LACKING)
def settings_that_lack_a_field(room, which) -> Outcome:
    """config.json, without its checksum, has a field less, or none; `evaluate`, or `train --resume`."""
    run = room.run(ended=which != "overrides")
    content = json.loads(run.config.read_text())
    del content["sha256"]
    *part, field = which.split(".")
    if which == "everything":
        content = {}
    else:
        del (content[part[0]] if part else content)[field]
    run.config.write_text(json.dumps(content))
    with untouched(run.path):
        return room.command(*(("train", "--resume") if which == "overrides" else ("evaluate",)), run.path)


@fault("files", names=r"model\.keras|metadata\.json", survives=KEPT, few=[0.5], every=bits(200, seed=4))
def a_bit_of_a_preset_flipped(room, share) -> Outcome:
    """One bit of one of the two files of a preset is turned over; `from_preset`."""
    folder = pathlib.Path(shutil.copytree(room.preset, room.new() / "preset"))
    metadata, model = folder / presets.METADATA, folder / presets.MODEL
    flip_at(metadata if share < 0.2 else model, share)
    with untouched(folder):
        return room.same_model(lambda: ki.Flow.from_preset(folder))


@fault("files", names=r"kept\.weights\.h5", survives=KEPT, few=[0.5], every=SHARES)
def weights_cut_short(room, share) -> Outcome:
    """A `.weights.h5` file is cut; `load_weights`."""
    return weights_loaded(room, lambda path: cut(path, share))


@fault("files", names=r"kept\.weights\.h5", survives=KEPT, few=[0.02, 0.5, 0.9], every=bits(400, seed=5))
def a_bit_of_weights_flipped(room, share) -> Outcome:
    """One bit of a `.weights.h5` file is turned over; `load_weights`."""
    return weights_loaded(room, lambda path: flip_at(path, share))


@fault("files", names=r"kept\.weights\.h5", survives=KEPT, few=["text"], every=list(FOREIGN))
def foreign_weights(room, kind) -> Outcome:
    """A `.weights.h5` file is what another program wrote; `load_weights`."""
    return weights_loaded(room, lambda path: path.write_bytes(foreign(kind)))


def weights_loaded(room, damage) -> Outcome:
    """How `load_weights` takes a damaged file; the model keeps what it had."""
    file, model = room.new() / "kept.weights.h5", room.loading
    shutil.copy(room.weights, file)
    damage(file)
    before = model.get_weights()
    with untouched(file.parent):
        outcome = room.called(model.load_weights, file)
    same = all(np.array_equal(ours, kept) for ours, kept in zip(model.get_weights(), before, strict=True))
    assert same
    return dataclasses.replace(outcome, unharmed=outcome.status == 0)
