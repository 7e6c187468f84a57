"""The worked examples in scripts/ run, at reduced size, and do what they are said to do."""

import importlib.util
import pathlib

import pytest

SCRIPTS = pathlib.Path(__file__).parents[1] / "scripts"
EXAMPLES = ("vi_banana", "vi_eight_schools", "neutra_funnel", "conditional_digits", "error_bounds")


def load(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_short(name):
    assert len((SCRIPTS / f"{name}.py").read_text().splitlines()) < 60


@pytest.mark.parametrize("invert", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_flow_comes_closer_to_the_banana(invert, tmp_path):
    sizes = {"blocks": 1, "units": (8,), "steps": 200, "sample_size": 64}
    found = load("vi_banana").run(**sizes, invert=invert, out=tmp_path / "banana.png")
    assert 0 < found["kl_nats"] < 0.6 * found["kl_before_training_nats"]
    assert (tmp_path / "banana.png").stat().st_size > 5000


@pytest.mark.slow
def test_flow_comes_close_to_the_posterior_of_the_eight_schools():
    found = load("vi_eight_schools").run(blocks=1, units=(8,), steps=300, sample_size=64, draws=300, chains=10)
    assert found["mean_error_deviations"] < 0.4  # an untrained flow is 1.5 off
    assert found["deviation_error"] < 0.5
    assert found["hmc_effective_samples"] > 100


@pytest.mark.slow
def test_both_kinds_of_hmc_run_on_the_funnel():
    found = load("neutra_funnel").run(blocks=1, units=(8,), steps=200, draws=100, chains=8)
    for kind in ("hmc", "neutra"):
        assert 0 < found[kind]["effective_per_1000_gradients"] < 1000
        assert 0.5 < found[kind]["deviation_of_v"] < 5


@pytest.mark.slow
def test_labels_of_digits_are_learned(tmp_path):
    sizes = {"blocks": (1, 1), "channels": 16, "epochs": 6, "limit": 600}
    found = load("conditional_digits").run(**sizes, out=tmp_path / "digits.png")
    assert found["test_error_percent"] < 60  # 90 by chance
    assert found["train_bits_per_dim"] < 3.4
    assert (tmp_path / "digits.png").stat().st_size > 3000


@pytest.mark.slow
def test_bounds_of_errors_loosen_with_depth():
    shallow, deep = load("error_bounds").run(0.98, depths=(1, 16), steps=20, examples=50)
    assert shallow["bound"] < 1.1 * shallow["estimate"] < 1e-4
    assert deep["bound"] > 1e3 * deep["estimate"] > 0
    assert deep["Lip(F^-1)"] > 1e6 * shallow["Lip(F^-1)"]
