import numpy as np
import pytest
from oracles import assert_mean

from keras_iresnet.evaluation.variance import components


@pytest.mark.parametrize("probes", [2, 3])
def test_components_are_unbiased(probes):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(2000):
        image, noise = rng.normal(0, 5, (1, 1, 40)), rng.normal(0, 2, (2, 1, 40))
        found.append(components(7 + image + noise + rng.normal(0, 1.5, (2, probes, 40))))
    assert_mean(found, [4, 2.25, 2.25])
    assert found[0].sampling == pytest.approx(found[0].noise + found[0].probe)


def test_one_probe_has_no_component_of_its_own():
    values = np.array([[[1.0, 5.0]], [[3.0, 5.0]]])
    assert components(values) == (1.0, 0.0, 0.0)  # variances 2 and 0


def test_no_component_is_negative():
    values = np.zeros((2, 2, 3))
    values[:, 0] = 1
    assert components(values) == (0.0, 0.5, 0.5)
