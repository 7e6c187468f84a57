"""Image sets of TFDS of which a file is damaged or gone: known before a run is begun."""

import functools
import pathlib
import shutil

import numpy as np
from fault import Outcome, fault
from faults_of_files import KEPT, bits, flip_at
from room import cut, untouched

NAME, VERSION = "handmade", "1.0.0"
FILES = {
    "train": f"{NAME}-train.tfrecord-00000-of-00001",
    "test": f"{NAME}-test.tfrecord-00000-of-00001",
    "description": "dataset_info.json",
    "features": "features.json",
}
SIZES = ("--blocks", "1", "--channels", "4", "--epochs", "1", "--batch-size", "9")
SHARES = [0, 0.3, 0.5, 0.9, 0.99]
CUTS = [(which, share) for which in FILES for share in SHARES]
NAMES = {"names": "|".join(FILES.values()), "survives": f"{KEPT}; nothing was begun"}


@fault("files", few=[("train", 0.5), ("test", 0.99), ("description", 0.5)], every=CUTS, **NAMES)
def an_image_set_cut_short(room, case) -> Outcome:
    """A file of a TFDS data set is cut after a share of its bytes; `train --data-dir`."""
    which, share = case
    return trained_on(room, which, lambda path: cut(path, share))


@fault("files", few=[("test", 0.5)], every=[(which, at) for which in ("train", "test") for at in bits(20, 6)], **NAMES)
def a_bit_of_an_image_set_flipped(room, case) -> Outcome:
    """One bit of the examples of a TFDS data set is turned over; `train --data-dir`."""
    which, share = case
    return trained_on(room, which, lambda path: flip_at(path, share))


@fault("files", few=["test"], every=list(FILES), **NAMES)
def an_image_set_without_a_file(room, which) -> Outcome:
    """A file of a TFDS data set is gone; `train --data-dir`."""
    return trained_on(room, which, pathlib.Path.unlink)


def trained_on(room, which, damage) -> Outcome:
    """How a training ends whose data set was damaged; it leaves no folder."""
    folder = room.new()
    shutil.copytree(image_set(room), folder / "data")
    damage(folder / "data" / NAME / VERSION / FILES[which])
    with untouched(folder / "data"):
        words = ("--dataset", f"tfds/{NAME}", "--data-dir", folder / "data", "--out", folder / "run")
        outcome = room.command("train", "image_classifier", *words, *SIZES)
    assert not (folder / "run").exists()
    return outcome


@functools.cache
def image_set(room) -> pathlib.Path:
    """A data directory of TFDS with a small data set; never to be touched."""
    import tensorflow_datasets as tfds

    features = {"image": tfds.features.Image(shape=(8, 8, 1)), "label": tfds.features.ClassLabel(num_classes=2)}
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1), np.uint8)
    examples = [(i, {"image": image, "label": i % 2}) for i, image in enumerate(images)]
    folder = room.folder / "image_sets"
    tfds.dataset_builders.store_as_tfds_dataset(
        name=NAME,
        version=VERSION,
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": examples[:20], "test": examples[20:]},
        data_dir=folder,
    )
    return folder
