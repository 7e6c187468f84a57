"""Image flows of every kind of block and branch: density, inverse, training, saving, recomputation."""

import keras
import numpy as np
import oracles
import pytest

import keras_iresnet as ki
from keras_iresnet import layers
from keras_iresnet.runs import resolve
from keras_iresnet.zoo.block_kinds import BLOCKS, BRANCHES

SMALL = {"bins": 4, "blocks": (1, 1), "channels": 4, "dense_blocks": 1, "dense_units": 4, "seed": 0}
KINDS = {
    "residual": layers.InvertibleResidualBlock,
    "implicit": layers.ImplicitBlock,
    "monotone": layers.MonotoneBlock,
}


def images(count=3):
    return np.random.default_rng(0).integers(0, 4, (count, 4, 4, 1)).astype("uint8")


FAST = [("implicit", "resnet")]


@pytest.mark.parametrize(
    ("block", "branch"),
    [
        pytest.param(block, branch, marks=() if (block, branch) in FAST else pytest.mark.slow)
        for block in BLOCKS
        for branch in BRANCHES
    ],
)
def test_density_and_inverse_are_right(block, branch):
    keras.config.set_dtype_policy("float64")
    flow = ki.zoo.image_flow((4, 4, 1), block=block, branch=branch, activation="clipswish", **SMALL)
    assert sum(type(layer) is KINDS[block] for layer in flow._flatten_layers()) == 3
    oracles.leave_identity(flow)
    x = flow.to_data(images(), seed=0)
    z, log_det = flow.forward_and_log_det(x, estimator=ki.ExactLogDet())
    expected = oracles.log_abs_det(oracles.jacobian(flow.forward, x))
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(log_det, expected, rtol=1e-8)
    np.testing.assert_allclose(flow.inverse(z), x, atol=1e-6)
    assert ki.certify(flow).invertible


@pytest.mark.slow
@pytest.mark.parametrize(
    ("block", "branch"), [pytest.param("implicit", "resnet", marks=pytest.mark.slow), ("monotone", "densenet")]
)
def test_runs_train_it_with_less_memory_and_in_mixed_precision(block, branch):
    fields = {"block": block, "branch": branch, "activation": "clipswish", "blocks": "1,1", "channels": "4"}
    settings = resolve("digits_flow", {**fields, "remat": "true", "precision": "mixed_bfloat16", "dropout": "0.2"})
    flow = settings.build()
    with_remat = [layer for layer in flow._flatten_layers() if isinstance(layer, layers.BranchBlock)]
    assert with_remat
    assert all(layer.remat for layer in with_remat)
    data = np.random.default_rng(0).integers(0, 17, (64, 8, 8, 1)).astype("uint8")
    flow.compile(keras.optimizers.Adamax(0.02))
    history = flow.fit(data, batch_size=32, epochs=2, verbose=0).history["bits_per_dim"]
    assert history[1] < history[0]
    x = flow.to_data(data, seed=1)
    np.testing.assert_allclose(flow.inverse(flow.forward(x)), x, atol=1e-3)
    assert sum(float(layer.failures) for layer in flow._flatten_layers() if hasattr(layer, "failures")) == 0


def test_depth_is_that_of_the_branch():
    def sides(**options):
        flow = ki.zoo.image_flow((8, 8, 1), blocks=(1,), channels=4, **options)
        branch = next(layer for layer in flow._flatten_layers() if isinstance(layer, layers.Branch))
        return [layer.kernel_size for layer in branch.spectral_layers]

    assert sides() == [3, 1, 3]
    assert sides(depth=3) == [3, 1, 1, 3]
    assert sides(depth=1) == [3, 3]
    assert sides(branch="densenet") == [3, 3, 3, 1]
    assert sides(branch="densenet", depth=1) == [3, 1]


@pytest.mark.slow
def test_classes_move_every_kind():
    for block in ("implicit", "monotone"):
        flow = ki.zoo.image_flow((4, 4, 1), block=block, branch="densenet", conditional=True, classes=2, **SMALL)
        oracles.leave_identity(flow)
        x = flow.to_data(images(), seed=0)
        first, second = (flow.log_prob(x, seed=1, condition=[label] * 3) for label in (0, 1))
        assert np.abs(first - second).min() > 1e-3
        z = flow.forward(x, condition=[0, 1, 0])
        np.testing.assert_allclose(flow.inverse(z, condition=[0, 1, 0]), x, atol=1e-3)


@pytest.mark.parametrize("name", ["block", "branch"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match=rf"`{name}` must be one of \(.*\). Received: {name}='coupling'"):
        ki.zoo.digits_flow(**{name: "coupling"})
    if name == "block":
        for build in (lambda **kinds: ki.zoo.tabular_flow(3, **kinds), ki.zoo.toy_flow):
            with pytest.raises(ValueError, match="`block` must be one of"):
                build(block="coupling")


@pytest.mark.parametrize("block", BLOCKS)
def test_points_and_tables_take_blocks_too(block):
    for flow in (ki.zoo.toy_flow(block=block, blocks=1), ki.zoo.tabular_flow(3, block=block, blocks=1, units=(8, 8))):
        assert any(type(layer) is KINDS[block] for layer in flow._flatten_layers())
