import subprocess
import sys

import pytest

from keras_iresnet import data


def test_names_are_sorted_and_each_appears_once():
    names = data.names()
    assert names == sorted(set(names))
    assert {"digits", "mnist", "toy/moons", "toy/8gaussians"} <= set(names)


EMBEDDED = ["digits", *(name for name in data.names() if name.startswith("toy/"))]


@pytest.mark.parametrize("name", EMBEDDED)
def test_splits_say_what_they_hold(name):
    splits = data.load(name)
    assert splits.name == name
    for part in (splits.train, splits.validation, splits.test):
        assert int(part.cardinality()) > 0
        assert tuple(part.element_spec.shape) == splits.event_shape
        assert part.element_spec.dtype.name == ("float32" if splits.bins is None else "uint8")


@pytest.mark.parametrize("name", ["digit", "moons", "toy/", "toy/digits", "imagenet"])
def test_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=f"cifar10, .*digits, .*toy/2spirals, .*toy/rings, .*Received: name='{name}'"):
        data.load(name)


def test_seed_changes_the_training_points_alone():
    first, second = (next(iter(data.load("toy/rings", seed=seed).train)).numpy() for seed in (0, 1))
    assert (first != second).any()


@pytest.mark.slow
def test_tfds_is_not_imported_for_embedded_data():
    code = """
import sys
from keras_iresnet import data
data.load("digits"); data.load("toy/moons")
assert "tensorflow_datasets" not in sys.modules, "TFDS without a TFDS data set"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
