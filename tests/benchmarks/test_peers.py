"""What is compared in turn does the same work, and reaches the error that it is said to reach."""

import dataclasses
import importlib.util
import json
import pathlib

import numpy as np
import pytest
from click.testing import CliRunner

from keras_iresnet.benchmarks import peers
from keras_iresnet.benchmarks.rivals import normflows_flow
from keras_iresnet.benchmarks.turns import Contender, in_turns
from keras_iresnet.benchmarks.workload import Workload, build_flow

TINY = Workload(blocks=(1, 1), channels=4, size=8, batch_size=4, num_terms=3)


@pytest.mark.slow
def test_our_inverse_and_the_authors_way_reach_the_images():
    ours, loose, authors = (
        make(TINY, 4, *more)()
        for make, *more in ((peers.our_inverse, None), (peers.our_inverse, 1e-2), (peers.authors_inverse,))
    )
    assert ours["largest_error"] < 1e-5
    assert authors["largest_error"] < 1e-5
    assert ours["largest_error"] < loose["largest_error"] < 0.1
    assert loose["steps"] < ours["steps"] < 2 * peers.AUTHORS_STEPS


def test_the_flow_to_invert_is_far_from_the_identity():
    flow, x = peers.flow_at_its_bound(TINY, 4)
    for layer in flow.layer._flatten_layers():
        if hasattr(layer, "sigma"):
            assert float(layer.sigma()) > layer.coeff
    assert np.abs(flow.forward_and_log_det(x, seed=1)[1]).min() > 1


def test_a_step_says_what_it_took_to_trace():
    assert peers.our_step(TINY, "float32")()["operations"] > 100


@pytest.mark.slow
def test_a_contender_lives_in_a_process_of_its_own():
    with Contender(dict_of, 3) as contender:
        assert contender.facts == {"value": 3}
        assert 0 < contender() < 60
    assert in_turns({"a": lambda: 2.0, "b": lambda: 1.0}, pairs=3).summary()["b_over_a"] == 0.5


def dict_of(value):
    return lambda: {"value": value}


@pytest.mark.slow
def test_normflows_has_our_parameters_and_finds_its_images_again():
    torch = pytest.importorskip("torch")
    pytest.importorskip("normflows")
    rival, ours = normflows_flow.NormflowsFlow(TINY), build_flow("dual", TINY)
    count = sum(parameter.numel() for parameter in rival.scales.parameters())
    without_prior = sum(np.prod(weight.shape) for weight in ours.trainable_weights) - 2 * 192
    assert count == without_prior + 2 * len(rival.blocks)  # two numbers of each block are parameters by name alone
    assert peers.normflows_inverse(TINY, 4)()["largest_error"] < 1e-2
    with torch.no_grad():
        assert np.abs(rival.forward(torch.rand(4, 3, 8, 8))[1]).min() > 0.1
    step = rival.training_step()
    losses = [step() for _ in range(30)]
    assert losses[-1] < losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["rivals", "inverse"])
def test_the_script_compares_in_turn(command, tmp_path):
    path = pathlib.Path(__file__).parents[2] / "scripts" / "benchmark.py"
    spec = importlib.util.spec_from_file_location("benchmark_script", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    out = tmp_path / "found.json"
    sizes = "--scales 2 --blocks 1 --channels 4 --size 8 --batch-size 4 --pairs 2"
    shown = CliRunner().invoke(script.benchmark, [command, *sizes.split(), "--out", str(out)], catch_exceptions=False)
    result = json.loads(out.read_text())
    other = "authors_way" if command == "inverse" else "ours_mixed_bfloat16"
    low, high = result[f"{other}_over_ours_range"]
    assert low <= result[f"{other}_over_ours"] <= high
    assert f"{result[f'{other}_over_ours']:.3f}" in shown.stdout
    assert result["workload"] == json.loads(json.dumps(dataclasses.asdict(TINY) | {"num_terms": 5}))
    assert set(result["facts"]) >= {"ours", other}
