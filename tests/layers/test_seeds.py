import numpy as np
import pytest
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers.seeds import as_seed, split_seed


def test_seeds_are_told_apart_and_never_negative():
    seeds = np.array([as_seed(seed).numpy() for seed in (0, 1, (1, 2), (-1, 2), (1, -2), -1)])
    assert seeds.min() >= 0
    assert len({tuple(seed) for seed in seeds}) == len(seeds)
    parts = np.array(split_seed(as_seed(-5), 1000))
    assert parts.min() >= 0
    assert len({tuple(part) for part in parts}) == 1000


@pytest.mark.parametrize("seed", [3, (-3, 4), (3, -4)])
@pytest.mark.sweep(3)
def test_a_seed_gives_the_same_likelihood_compiled_or_not(seed):
    flow = ki.zoo.digits_flow(blocks=(1, 1), channels=4, seed=0)
    images = np.random.default_rng(0).integers(0, 17, (5, 8, 8, 1), dtype=np.uint8)

    def log_prob():
        return flow.log_prob(images, seed)

    np.testing.assert_allclose(tf.function(log_prob, jit_compile=True, autograph=False)(), log_prob(), rtol=1e-4)
