import numpy as np
import oracles
import pytest
import tensorflow as tf
from layer_case import InvertibleCase

import keras_iresnet as ki
from keras_iresnet.layers import ConvBranch, DenseBranch, ImplicitBlock


class TestBlockOfConvolutions(InvertibleCase):
    input_shape = (2, 2, 2)
    under_xla = False

    def make(self, **kwargs):
        return ImplicitBlock(ConvBranch(4), ConvBranch(3), estimator=ki.SeriesLogDet(3, 2), **kwargs)


@pytest.mark.slow
class TestBlockOfDenseLayers(InvertibleCase):
    def make(self, **kwargs):
        return ImplicitBlock(DenseBranch((5,)), DenseBranch((6,)), max_steps=500, **kwargs)


def test_it_solves_its_equation_and_can_expand_as_well_as_contract():
    block = ImplicitBlock(DenseBranch((6,)), DenseBranch((6,)))
    x = tf.random.normal((5, 4), seed=1)
    block(x)
    oracles.leave_identity(block)
    z = block(x)
    left, right = (x + block.branch_x(x), z + block.branch_z(z))
    np.testing.assert_allclose(left, right, atol=1e-5)
    values = np.linalg.svd(oracles.jacobian(block, x), compute_uv=False)
    lip = 0.9**2
    assert values.max() <= (1 + lip) / (1 - lip)
    assert values.min() >= (1 - lip) / (1 + lip)


@pytest.mark.parametrize("name", ["branch_x", "branch_z"])
def test_what_is_no_layer_is_refused_as_a_branch(name):
    branches = {"branch_x": DenseBranch((6,)), "branch_z": DenseBranch((6,)), name: None}
    with pytest.raises(ValueError, match=rf"`{name}` must be a Keras layer\. Received: {name}=None"):
        ImplicitBlock(**branches)
    with pytest.raises(ValueError, match=r"`branch` must be a Keras layer\. Received: branch=None"):
        ki.layers.MonotoneBlock(None, remat=True)
