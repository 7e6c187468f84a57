import pytest

from keras_iresnet.training import train


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
