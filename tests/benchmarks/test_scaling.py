"""What a step's growth is said to be: worked out from seconds that are known, and of steps that differ in one size."""

import importlib.util
import json
import pathlib

import pytest
from click.testing import CliRunner

from keras_iresnet.benchmarks import scaling
from keras_iresnet.benchmarks.scaling import Scaling
from keras_iresnet.benchmarks.turns import Comparison
from keras_iresnet.benchmarks.workload import Workload, build_flow

TINY = Workload(blocks=(1, 1), channels=4, size=8, batch_size=4, num_terms=3)


@pytest.fixture
def steps(monkeypatch):
    """Steps that take 0.1 s a block, 0.01 s an image and 0.001 s a term of each block, in the place of training."""

    class Step:
        def __init__(self, flow, batch_size):
            blocks = [layer for layer in flow._flatten_layers() if hasattr(layer, "estimator")]
            self.seconds = len(blocks) * 0.1 + batch_size * 0.01 + sum(one.estimator.num_terms for one in blocks) / 1e3

        def __call__(self):
            return self.seconds

    monkeypatch.setattr(scaling, "TrainingStep", Step)
    monkeypatch.setattr(scaling, "compare", lambda flows, batch_size, pairs: _in_turns(Step, flows, batch_size, pairs))
    monkeypatch.setattr(scaling, "BranchPass", lambda flow, batch_size: lambda: 0.002)


def _in_turns(step, flows, batch_size, pairs):
    return scaling.in_turns({label: step(flow, batch_size) for label, flow in flows.items()}, pairs)


def test_blocks_and_images_are_in_proportion_to_the_first(steps):
    found = scaling.by_blocks(TINY, (1, 3), pairs=2)
    assert found.sizes == {"2_blocks": 2, "6_blocks": 6}
    two, six = 2 * 0.103 + 0.04, 6 * 0.103 + 0.04
    assert found.ratios["6_blocks"] == pytest.approx((six / two / 3,) * 2)
    found = scaling.by_batch(TINY, (4, 8), pairs=2)
    assert found.ratios["batch_8"] == pytest.approx((0.286 / 0.246 / 2,) * 2)


def test_a_term_costs_what_it_adds_in_passes(steps):
    found = scaling.by_terms(TINY, (3, 5, 13), pairs=2)
    assert found.ratios["5_terms"] == pytest.approx((0.002 / 0.002,) * 2)  # of two blocks
    assert found.ratios["13_terms"] == pytest.approx((1.0,) * 2)
    assert scaling.PASS in found.comparison.seconds


def test_a_summary_has_medians_and_ranges():
    comparison = Comparison({"one": (1.0, 1.0, 2.0), "two": (2.0, 3.0, 4.0)})
    summary = Scaling("blocks", {"one": 1, "two": 2}, comparison, {"two": (1.0, 1.5, 1.2)}).summary()
    assert summary["in_proportion"] == {"two": {"median": 1.2, "range": [1.0, 1.5]}}
    assert summary["two_over_one"] == 2.0
    json.dumps(summary)


def test_a_pass_takes_all_branches():
    one, two = (Workload(blocks=(count,), channels=64, size=32, batch_size=16) for count in (1, 6))
    short, long = (scaling.BranchPass(build_flow("dual", size), size.batch_size) for size in (one, two))
    assert min(long() for _ in range(5)) > 2 * min(short() for _ in range(5))


@pytest.mark.slow
def test_the_script_shows_what_a_term_and_two_replicas_cost(tmp_path):
    path = pathlib.Path(__file__).parents[2] / "scripts" / "benchmark.py"
    spec = importlib.util.spec_from_file_location("benchmark_script", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    out = tmp_path / "scaling.json"
    sizes = "--scales 2 --blocks 1 --channels 4 --size 8 --batch-size 4 --pairs 2"
    words = ["scaling", "terms", "replicas", *sizes.split(), "--out", str(out)]
    shown = CliRunner().invoke(script.benchmark, words, catch_exceptions=False)
    found = json.loads(out.read_text())["scaling"]
    assert list(found) == ["terms", "replicas"]
    assert found["terms"]["sizes"] == {"5_terms": 5, "10_terms": 10, "20_terms": 20}
    for way in found.values():
        for proportion in way["in_proportion"].values():
            assert proportion["range"][0] <= proportion["median"] <= proportion["range"][1]
            assert f"{proportion['median']:.3f}" in shown.stdout
    assert CliRunner().invoke(script.benchmark, ["scaling", "--at", "2"]).exit_code == 2


@pytest.mark.slow
def test_two_replicas_take_the_same_step():
    losses = [scaling.Contender(scaling.replicated_step, TINY, count).facts["loss"] for count in (1, 2)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
