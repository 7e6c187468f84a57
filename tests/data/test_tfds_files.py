"""Image sets of TFDS of which a file is gone or damaged: written by TFDS, damaged, and refused by name."""

import pathlib
import re

import pytest
from test_tfds_images import prepare

from keras_iresnet.data import load, tfds_files, tfds_images

TRAIN, TEST = "handmade-train.tfrecord-00000-of-00001", "handmade-test.tfrecord-00000-of-00001"


@pytest.fixture
def folder(tmp_path):
    """The folder of a version of an image set that may be damaged."""
    return pathlib.Path(prepare(tmp_path, "handmade")) / "handmade" / "3.0.1"


def refusal(folder):
    """What is said of the image set in a folder."""
    with pytest.raises(OSError, match="must be whole") as refused:
        load("tfds/handmade", data_dir=folder.parents[1])
    told = str(refused.value)
    assert f"Delete the folder {folder.parent}" in told
    assert f"tfds.load('handmade', data_dir={str(folder.parents[1])!r})" in told
    return told.partition("Received: ")[2]


def test_a_shard_cut_within_an_image_is_named(folder):
    whole = (folder / TEST).read_bytes()
    (folder / TEST).write_bytes(whole[:-3])
    assert refusal(folder) == f"{TEST}, which is cut short or damaged"
    (folder / TEST).write_bytes(whole)
    assert len(load("tfds/handmade", data_dir=folder.parents[1]).test) == 7


def test_a_shard_cut_between_two_images_is_named(folder):
    content = (folder / TRAIN).read_bytes()
    length = 16 + int.from_bytes(content[:8], "little")  # of the first record, with its two checksums
    (folder / TRAIN).write_bytes(content[length:])
    assert refusal(folder) == f"{TRAIN} with 19 of its 20 images"
    (folder / TRAIN).write_bytes(b"")
    assert refusal(folder) == f"{TRAIN} with 0 of its 20 images"


def test_a_bit_of_a_shard_is_found(folder):
    content = bytearray((folder / TEST).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / TEST).write_bytes(content)
    assert refusal(folder) == f"{TEST}, which is cut short or damaged"


@pytest.mark.parametrize("name", [TRAIN, TEST])
def test_a_shard_that_is_gone_is_named(name, folder):
    (folder / name).unlink()
    assert refusal(folder) == f"no {name}"


def test_a_shard_that_cannot_be_read_is_named(folder, monkeypatch):
    monkeypatch.setattr(tfds_files.os.path, "isfile", lambda _: True)  # as it was then
    (folder / TRAIN).unlink()
    assert refusal(folder).startswith(f"{TRAIN}, which is ")


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_description_that_is_no_json_is_named(name, content, folder):
    (folder / name).write_bytes(content)
    assert refusal(folder).startswith(f"{folder / name}, which is cut short or damaged")


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
def test_a_description_that_is_gone_is_told(name, folder):
    (folder / name).unlink()
    assert str(folder / name) in refusal(folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("dataset_info.json", "{DATASET}-{SPLIT}", "{DATASET-{SPLIT}", "dataset_info.json, which names no files"),
        ("dataset_info.json", '"20"', '"21"', f"{TRAIN} with 20 of its 21 images"),
        ("features.json", '"28"', '"29"', "an image that cannot be read"),
        ("features.json", "numClasses", "numClassez", "numClassez"),
    ],
)
def test_a_description_that_says_something_else_is_told(name, old, new, told, folder):
    (folder / name).write_text((folder / name).read_text().replace(old, new, 1))
    assert told in refusal(folder)


def test_a_set_that_is_known_must_have_its_splits(tmp_path, monkeypatch):
    monkeypatch.setitem(tfds_images.IMAGE_SETS, "mnist", tfds_images.ImageSet((28, 28, 1), train=20, test=7))
    prepare(tmp_path)
    description = tmp_path / "mnist" / "3.0.1" / "dataset_info.json"
    description.write_text(description.read_text().replace('"test"', '"tast"'))
    with pytest.raises(OSError, match=r"Received: dataset_info\.json with the splits tast, train"):
        load("mnist", data_dir=tmp_path)


def test_a_damaged_set_is_no_set_that_is_not_there(folder):
    root = folder.parents[1]
    assert tfds_images.is_prepared("handmade", root)
    (folder / "dataset_info.json").write_text("{")
    for ask in (tfds_images.is_prepared, lambda name, root: load(name, data_dir=root)):
        with pytest.raises(OSError, match=re.escape(str(folder / "dataset_info.json"))):
            ask("handmade", root)
    assert not tfds_images.is_prepared("mnits", root)


def test_splits_that_are_not_read_are_not_asked_for(tmp_path):
    splits = {"train": range(20), "test": range(7), "extra": range(3)}
    root = pathlib.Path(prepare(tmp_path, "handmade", splits=splits))
    (root / "handmade" / "3.0.1" / "handmade-extra.tfrecord-00000-of-00001").unlink()
    assert len(load("tfds/handmade", data_dir=root).test) == 7
