"""Folders of pictures become images of one form, whatever files they are."""

import numpy as np
import pytest
from PIL import Image

from keras_iresnet import data

SIZE = (40, 60)  # height, width


def _save(path, mode="RGB", size=SIZE, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (*size, 3) if mode == "RGB" else size
    pixels = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.fixture
def classes(tmp_path):
    """Two classes of 10 grey PNGs each."""
    for i in range(20):
        _save(tmp_path / "pictures" / ("cats" if i % 2 else "dogs") / f"{i}.png", mode="L", seed=i)
    return tmp_path / "pictures"


def test_class_folders_give_labels_and_names(classes):
    splits = data.load(classes, labels=True)
    assert (splits.event_shape, splits.bins, splits.classes) == ((40, 60, 1), 256, 2)
    assert splits.description.class_names == ("cats", "dogs")
    assert [len(getattr(splits, part)) for part in ("train", "validation", "test")] == [16, 2, 2]
    known = {tuple(_save(classes / "again.png", mode="L", seed=i)[0]): i % 2 for i in range(20)}
    labels = {}
    for part in (splits.train, splits.validation, splits.test):
        for image, label in part.as_numpy_iterator():
            labels[tuple(image[0, :, 0])] = label
    assert {row: 1 - label for row, label in labels.items()} == known  # cats, the odd ones, come first
    for part in (splits.validation, splits.test):
        assert sorted(int(label) for _, label in part.as_numpy_iterator()) == [0, 1]


def test_the_split_is_the_seeds(classes):
    def first(**options):
        return next(data.load(classes, **options).test.as_numpy_iterator()).tolist()

    assert first() == first()
    assert first() != first(split_seed=1)


def test_given_files_are_the_split(classes, tmp_path):
    expected = _save(tmp_path / "held" / "cats" / "a.png", mode="L", seed=77)
    splits = data.load(classes, labels=True, test_data=tmp_path / "held")
    assert [len(getattr(splits, part)) for part in ("train", "validation", "test")] == [18, 2, 1]
    image, label = next(splits.test.as_numpy_iterator())
    np.testing.assert_array_equal(image[..., 0], expected)
    assert label == 0
    assert splits.description.digest != data.load(classes).description.digest


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("L", (2, 2), 51), [51]),
        (Image.new("RGB", (2, 2), (10, 20, 30)), [10, 20, 30]),
        (Image.new("RGBA", (2, 2), (10, 20, 30, 0)), [255, 255, 255]),
        (Image.new("RGBA", (2, 2), (0, 0, 0, 51)), [204, 204, 204]),
        (Image.new("LA", (2, 2), (0, 51)), [204]),
        (Image.fromarray(np.full((2, 2), 257 * 40, np.uint16)), [40]),
        (Image.new("1", (2, 2), 1), [255]),
        (Image.new("RGB", (2, 2), (10, 20, 30)).quantize(2), [10, 20, 30]),
    ],
    ids=["grey", "colour", "clear", "half clear", "grey and clear", "16 bits", "1 bit", "palette"],
)
def test_every_kind_comes_to_one_form(image, expected, tmp_path):
    for i in range(3):
        image.save(tmp_path / f"{i}.png")
    images = np.stack(list(data.load(tmp_path).train.as_numpy_iterator()))
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, np.broadcast_to(expected, (1, 2, 2, len(expected))))


def test_one_colour_picture_makes_all_colour_and_an_option_says_otherwise(classes):
    _save(classes / "dogs" / "colour.webp")
    assert data.load(classes).event_shape == (40, 60, 3)
    assert data.load(classes, color="grey").event_shape == (40, 60, 1)


def test_pictures_turned_by_exif_stand_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    for i in range(3):
        Image.new("L", (4, 2)).save(tmp_path / f"{i}.jpg", exif=exif)
    assert data.load(tmp_path).event_shape == (4, 2, 1)


def test_several_sizes_need_one(classes):
    _save(classes / "dogs" / "small.png", mode="L", size=(20, 20))
    with pytest.raises(ValueError, match=r"`image_size`.*2 sizes, from 20x20 \(dogs/small.png\) to 40x60"):
        data.load(classes)
    assert data.load(classes, image_size=(8, 12)).event_shape == (8, 12, 1)


def test_crop_takes_the_centre_and_stretch_takes_all(tmp_path):
    pixels = np.zeros((8, 24), np.uint8)
    pixels[:, 8:16] = 255
    for i in range(3):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    crop, stretch = (
        next(data.load(tmp_path, image_size=(8,), fit=fit).train.as_numpy_iterator()) for fit in ("crop", "stretch")
    )
    assert crop.min() == 255
    assert stretch[0, 0] == 0
    assert stretch[0, 4] == 255


def test_an_unreadable_file_is_named_or_skipped_and_counted(classes):
    content = (classes / "cats" / "1.png").read_bytes()
    (classes / "cats" / "1.png").write_bytes(content[: len(content) // 2])
    (classes / "dogs" / "no.jpg").write_text("not a picture")
    with pytest.raises(OSError, match=r"`skip_unreadable`.*1\.png.*and 1 more"):
        data.load(classes)
    splits = data.load(classes, skip_unreadable=True)
    assert splits.description.skipped == ("cats/1.png", "dogs/no.jpg")
    assert len(splits.train) + len(splits.validation) + len(splits.test) == 19


def test_a_changed_file_changes_the_digest(classes):
    before = data.load(classes).description.digest
    assert data.load(classes).description.digest == before
    _save(classes / "cats" / "1.png", mode="L", seed=99)
    assert data.load(classes).description.digest != before


def test_a_stream_reads_files_and_holds_none(classes):
    splits = data.load(classes, labels=True)
    stream = data.Stream(splits.stored, 4, seed=0)
    assert stream._examples[0].dtype == "string"
    held = data.Stream(splits.train, 4, seed=0)
    for ours, theirs in zip(stream.at(step=3).take(6), held.at(step=3).take(6), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_what_is_no_folder_of_pictures_is_refused(classes, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"must hold pictures that end in .*\.webp\. Received: .*empty"):
        data.load(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"in a folder of its own. Received: none"):
        data.load(classes / "cats", labels=True)
    _save(classes / "stray.png", mode="L")
    with pytest.raises(ValueError, match=r"Received: 1 in .* and 20 in folders"):
        data.load(classes)
    with pytest.raises(ValueError, match=r"Pictures must be read without `label`. Received: label='y'"):
        data.load(classes / "cats", label="y")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        data.load("nowhere/")
