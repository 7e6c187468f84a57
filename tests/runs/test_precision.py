import os

import keras
import numpy as np
import pytest

from keras_iresnet import data
from keras_iresnet.runs import resolve, train
from keras_iresnet.runs.recipe_optimizer import make_optimizer
from keras_iresnet.runs.schedule import Budget, Pace


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_bfloat16_branches_cost_little_of_what_is_learned(tmp_path):
    overrides = {"steps": 400, "minutes": None, "epochs": None, "blocks": (2, 2), "channels": 32, "decay": "constant"}
    found = {}
    for precision in ("float32", "mixed_bfloat16"):
        metrics = train(
            "digits_flow", tmp_path / precision, overrides=overrides | {"precision": precision}, progress=False
        )
        print(precision, metrics["test_bits_per_dim"], metrics["test_bits_per_dim_standard_error"])
        found[precision] = metrics["test_bits_per_dim"]
    assert found["float32"] < 2.9  # it has learned: a Gaussian with full covariance reaches 2.95
    assert abs(found["mixed_bfloat16"] - found["float32"]) < 0.02


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_bfloat16_branches_cost_little_of_what_mnist_flow_small_learns():
    steps = int(os.environ.get("PRECISION_STEPS", 300))
    try:
        splits = data.load("mnist")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    images = next(iter(splits.test.batch(500)))
    found = {}
    for precision, few in (("untrained", 1), ("float32", steps), ("mixed_bfloat16", steps)):
        flow = _trained("mnist_flow_small", splits, few, precision.replace("untrained", "float32"))
        found[precision] = np.mean([flow.bits_per_dim(images, seed=seed) for seed in range(4)])
        print(precision, found[precision])
    assert found["float32"] < found["untrained"] - 0.5
    assert abs(found["mixed_bfloat16"] - found["float32"]) < 0.02


def _trained(name, splits, steps, precision):
    """A model of the zoo after so many steps of its recipe, with the same data and noise in every precision."""
    settings = resolve(
        name, {"steps": steps, "minutes": None, "precision": precision, "warmup_steps": 20, "ema_momentum": None}
    )
    recipe = settings.recipe
    keras.utils.set_random_seed(recipe.seed)
    flow = settings.build()
    flow.compile(make_optimizer(recipe, flow))
    flow.initialize(next(iter(splits.train.batch(flow.initialization_examples))))
    stream = data.Stream(splits.train, recipe.batch_size, seed=recipe.seed)
    flow.fit(
        stream.at(), steps_per_epoch=steps, epochs=1, callbacks=[Pace(recipe, Budget(steps))], shuffle=False, verbose=0
    )
    return flow
