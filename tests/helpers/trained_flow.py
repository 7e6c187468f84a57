"""A small flow for tests of evaluation: trained a little, and far from the identity."""

import keras
from oracles import leave_identity

import keras_iresnet as ki
from keras_iresnet.data import digits
from keras_iresnet.layers import InvertibleResidualBlock


def blocks(flow):
    """The residual blocks."""
    return [layer for layer in flow._flatten_layers() if isinstance(layer, InvertibleResidualBlock)]


def trained_digits_flow():
    """A flow of two blocks with log-dets far from 0, after four epochs on digits; coeff 0.9."""
    keras.utils.set_random_seed(0)
    flow = ki.zoo.digits_flow(blocks=(1, 1), channels=8, seed=0)
    for block in blocks(flow):
        leave_identity(block.branch)
    flow.compile(keras.optimizers.Adamax(0.02))
    flow.fit(digits.load_arrays()[0][:1024], batch_size=128, epochs=4, verbose=0)
    return flow
