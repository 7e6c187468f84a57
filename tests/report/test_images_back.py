"""Figures 3 and 7: how many images came back is counted in arrays, and nothing is said of what nobody ran."""

import numpy as np
import pytest

from keras_iresnet.evaluation.reconstruction import RECONSTRUCTED
from keras_iresnet.report.exhibits.images_back import EXHIBIT, IMAGES
from keras_iresnet.report.recorded_runs import RECORDED, read_recorded
from keras_iresnet.report.sources import Sources


@pytest.fixture
def shown(tiny_weights, tmp_path):
    (tmp_path / "toy_flow_8gaussians").symlink_to(tiny_weights / "toy_flow_8gaussians")
    return EXHIBIT.make(Sources(weights=tmp_path))  # no classifier among them: of the record alone


def test_what_came_back_is_counted_and_nothing_is_said_of_mnist(shown):
    arrays = read_recorded(RECORDED / "reconstructions").arrays
    errors = np.abs(arrays["vanilla"] - arrays["originals"] / 16)[:IMAGES].mean((1, 2, 3))
    back = int((errors < RECONSTRUCTED).sum())
    here = {what: ours for what, _, ours in shown.beside}
    assert here["without the constraint, CIFAR-10"].startswith(f"{back} of {IMAGES} came back")
    assert here["without the constraint, MNIST"] == "not recorded"
