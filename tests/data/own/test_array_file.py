"""Arrays are images where they are integers, points where they are floats."""

import numpy as np
import pytest

from keras_iresnet import data

RNG = np.random.default_rng(0)


def test_integers_are_images_and_y_their_classes(tmp_path):
    x, y = RNG.integers(0, 256, (50, 5, 7, 3)), RNG.integers(0, 3, 50)
    np.savez(tmp_path / "a.npz", x=x, y=np.array(["red", "blue", "green"])[y])
    splits = data.load(tmp_path / "a.npz", labels=True)
    assert (splits.event_shape, splits.bins, splits.classes) == ((5, 7, 3), 256, 3)
    assert splits.description.class_names == ("blue", "green", "red")
    known = {
        image.astype(np.uint8).tobytes(): name
        for image, name in zip(x, np.array(["red", "blue", "green"])[y], strict=True)
    }
    for part in (splits.train, splits.validation, splits.test):
        for image, label in part.as_numpy_iterator():
            assert known.pop(image.tobytes()) == splits.description.class_names[label]
    assert not known
    assert data.load(str(tmp_path / "a.npz")).classes is None


def test_images_without_channels_get_one_and_bins_say_the_values(tmp_path):
    np.save(tmp_path / "a.npy", RNG.integers(0, 17, (10, 8, 8)))
    splits = data.load(tmp_path / "a.npy", bins=17)
    assert (splits.event_shape, splits.bins) == ((8, 8, 1), 17)
    with pytest.raises(ValueError, match=r"bins - 1 = 9. Received: 0 to 16"):
        data.load(tmp_path / "a.npy", bins=10)


def test_floats_are_points_and_their_y_conditions(tmp_path):
    x = RNG.normal(size=(30, 4))
    np.savez(tmp_path / "a.npz", x=x, y=x[:, :2].astype("float64"))
    splits = data.load(tmp_path / "a.npz", labels=True)
    assert (splits.event_shape, splits.bins, splits.classes, splits.condition_size) == ((4,), None, None, 2)
    point, condition = next(splits.train.as_numpy_iterator())
    known = splits.description
    np.testing.assert_allclose(point[:2], condition * known.condition_deviation + known.condition_mean, atol=1e-5)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((5, 4, 4, 3))}, r"images must be integers.*Received: float64 of shape \(5, 4, 4, 3\)"),
        ({"x": np.zeros((5, 4), int)}, r"points must be floats.*Received: int64 of shape \(5, 4\)"),
        ({"x": np.full((5, 4), np.nan)}, r"finite in float32. Received: nan at \(0, 0\)"),
        ({"x": np.full((5, 4), 1e300)}, r"finite in float32. Received: 1e\+300 at \(0, 0\)"),
        ({"a": np.zeros(3), "b": np.zeros(3)}, r"must hold an array `x`.*Received: a, b"),
        ({"x": np.zeros((2, 3))}, r"at least 3 examples. Received: 2"),
        ({"x": np.array([{}])}, r"arrays of numbers or text"),
    ],
)
def test_what_is_neither_is_refused_by_name(arrays, message, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        data.load(tmp_path / "a.npz")


def test_missing_labels_and_strange_classes_are_refused(tmp_path):
    x = RNG.integers(0, 256, (9, 2, 2))
    np.savez(tmp_path / "a.npz", x=x)
    with pytest.raises(ValueError, match=r"must hold `y` of 9 labels. Received: none"):
        data.load(tmp_path / "a.npz", labels=True)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(9) % 2)
    np.savez(tmp_path / "b.npz", x=x, y=np.arange(9) % 3)
    with pytest.raises(ValueError, match=r"Classes must be among 0, 1. Received: 2"):
        data.load(tmp_path / "a.npz", labels=True, test_data=tmp_path / "b.npz")


def test_of_every_class_the_same_share_is_held_out(tmp_path):
    np.savez(tmp_path / "a.npz", x=RNG.integers(0, 256, (200, 2, 2)), y=RNG.permutation(np.arange(200) % 20 == 0))
    for seed in range(3):
        splits = data.load(tmp_path / "a.npz", labels=True, split_seed=seed)
        counts = [
            sum(int(label) for _, label in getattr(splits, part).as_numpy_iterator())
            for part in ("train", "validation", "test")
        ]
        assert counts == [8, 1, 1]


def test_options_of_a_path_need_one():
    with pytest.raises(ValueError, match=r"`bins` must go with a path.*Received: digits"):
        data.load("digits", bins=3)
