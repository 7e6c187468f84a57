import matplotlib.image
import numpy as np
import pytest

from keras_iresnet.comparison.comparison_pictures import density_panels


def test_densities_in_the_plane_are_those_of_the_functions(tmp_path):
    points = np.random.default_rng(0).normal(size=(800, 2)).astype("float32")

    def normal(scale):
        return lambda x: -0.5 * np.sum(np.square(x / scale), -1) - np.log(2 * np.pi * scale**2)

    found = density_panels({"one": normal(1.0), "half": normal(0.5)}, points, tmp_path / "x.png")
    assert set(found) == {"one", "half"}
    side = (1 + 2 * 0.1) * np.max(np.ptp(points, 0))
    for density in found.values():
        assert density.sum() * side**2 / density.size == pytest.approx(1, abs=0.02)
    assert found["half"].max() == pytest.approx(4 * found["one"].max(), rel=0.01)
    assert matplotlib.image.imread(tmp_path / "x.png").std() > 0.02
