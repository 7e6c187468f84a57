"""Bijectors far from the identity, and a count of the inverses that are solved."""

import keras
import pytest
from bijector_case import images_layer, points_layer, view

from keras_iresnet.layers import InvertibleLayer


@pytest.fixture(scope="module")
def points():
    """A float64 bijector of the plane with the exact log-det, far from the identity."""
    keras.utils.set_random_seed(1)  # a module's fixtures come before the seed of each test
    return view(points_layer(), (2,))


@pytest.fixture(scope="module")
def images():
    """A float64 bijector of 4x4 images in two scales, with a stochastic log-det."""
    keras.utils.set_random_seed(1)
    return view(images_layer(), (4, 4, 1))


@pytest.fixture
def solves(monkeypatch):
    """A list that grows by one entry whenever the inverse of a layer is solved, or traced."""
    calls = []
    solve = InvertibleLayer.inverse_and_report

    def counted(self, *arguments, **options):
        calls.append(self.name)
        return solve(self, *arguments, **options)

    monkeypatch.setattr(InvertibleLayer, "inverse_and_report", counted)
    return calls
