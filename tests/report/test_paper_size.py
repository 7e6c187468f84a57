"""The commands for a cluster are commands of the package, and their estimates are counts."""

import json
import math
import pathlib
import re
import shlex

import click
import pytest
from click.testing import CliRunner

import keras_iresnet as ki
from keras_iresnet.benchmarks.operations import operations_of
from keras_iresnet.benchmarks.workload import Workload, build_flow
from keras_iresnet.report.paper_counts import COUNTED, count_step, traced_step
from keras_iresnet.report.paper_jobs import JOBS
from keras_iresnet.report.paper_size import SECONDS_PER_OPERATION, paper_plan
from keras_iresnet.report.recorded_runs import RECORDED, read_recorded
from keras_iresnet.runs import settings
from keras_iresnet_cli import cli

TIMED = pathlib.Path(__file__).parents[2] / "zoo" / "benchmarks" / "2026-11-28-h200"


@pytest.mark.parametrize("command", sorted({command for job in JOBS for command in job.commands}))
def test_commands_take_their_options(command):
    program, *arguments = shlex.split(command)
    assert program == "keras-iresnet"
    group, path = cli, []
    while isinstance(group, click.Group):
        path.append(arguments.pop(0))
        group = group.commands[path[-1]]
    group.make_context(path[-1], arguments, parent=cli.make_context("keras-iresnet", path[:1], resilient_parsing=True))


def test_every_figure_and_table_is_made_by_some_command():
    text = " ".join(job.exhibits for job in JOBS)
    # Table 1 is found by running whatever was trained, of any size.
    assert not [number for number in range(1, 10) if f"igure {number}" not in text and str(number) not in text]
    assert not [number for number in (2, 3, 4) if f"Table {number}" not in text]


@pytest.mark.parametrize("job", [job for job in JOBS if job.counted], ids=lambda job: job.exhibits)
def test_commands_train_for_as_long_as_is_estimated(job):
    """Neither the clock nor another batch than was counted ends a training before its steps are done."""
    row = next(row for row in paper_plan() if row["makes"] == job.exhibits)
    _, keywords, batch_size = COUNTED[job.counted]
    trainings = [words for words in map(shlex.split, job.commands) if words[1] == "train"]
    for words in trainings:
        given = dict(zip(words[3::2], words[4::2], strict=True))
        options = {key[2:].replace("-", "_"): value for key, value in given.items() if key != "--out"}
        resolved = settings.resolve(words[2], options)
        recipe = resolved.recipe
        assert recipe.minutes is None
        assert recipe.batch_size == batch_size
        assert (recipe.patience is not None) == row["at_most"]
        assert recipe.steps == row["steps"] or row["steps"] % recipe.epochs == 0
        if "blocks" in keywords:
            assert resolved.keywords["blocks"] == keywords["blocks"]
    assert len(trainings) in (0, job.trainings)


def _plan(makes, **options):
    return next(row for row in paper_plan(**options) if row["makes"].startswith(makes))


def test_wide_networks_take_the_time_of_their_products():
    row = _plan("Table 3, Glow", tflops=5, gpus=2)
    assert row["steps"] == 200 * 390
    assert row["bound_by"] == "products"
    assert row["gpu_hours"] == pytest.approx(row["trainings"] * row["steps"] * row["tflop"] / 5 / 3600)
    assert row["hours"] == pytest.approx(row["gpu_hours"] / 2)
    alone = _plan("Table 3, Glow", gpus=1)
    assert row["memory_gib"] < alone["memory_gib"] < 2 * row["memory_gib"]


def test_small_networks_take_the_time_of_their_operations_on_any_number_of_gpus():
    row = _plan("Table 4, figures 4 and 9")
    assert row["bound_by"] == "operations"
    step = 3600 * row["hours"] / row["steps"]
    assert step == pytest.approx(row["operations"] * SECONDS_PER_OPERATION)
    # 96 blocks take longer than the 16 of `digits_flow` that were timed.
    (timed,) = json.loads((TIMED / "trace_digits_flow.json").read_text())["models"].values()
    assert step > 3 * timed["step_seconds"]
    many = _plan("Table 4, figures 4 and 9", gpus=8, tflops=100)
    assert many["hours"] == row["hours"]
    assert many["gpu_hours"] == 8 * row["gpu_hours"]


def test_nothing_is_said_of_what_was_not_counted():
    row = _plan("Figure 1")
    assert {row[name] for name in ("steps", "tflop", "operations", "hours", "gpu_hours", "memory_gib")} == {None}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "label", "build"),
    [
        # ELU was the activation of `digits_flow` when it was timed.
        ("trace_digits_flow", "digits_flow", lambda: ki.zoo.digits_flow(activation="elu", seed=0)),
        ("step_of_128_beside_normflows", "3 x 4 blocks, 128 channels", lambda: build_flow("dual", Workload())),
    ],
)
def test_time_of_an_operation_is_that_of_steps_that_were_timed(file, label, build):
    timed = json.loads((TIMED / f"{file}.json").read_text())
    assert timed["jit_compile"] is False
    found = timed["models"][label]["step_seconds"] / operations_of(traced_step(build(), timed["batch_size"]))
    assert found == pytest.approx(SECONDS_PER_OPERATION, rel=0.1)


def test_parameters_that_were_counted_are_those_of_the_paper_sizes():
    counted = {row["name"]: row for row in read_recorded(RECORDED / "paper_counts").rows}
    assert set(counted) == set(COUNTED)
    for name in ("mnist_flow", "mnist_classifier", "resnet164_classifier"):
        assert counted[name]["parameters"] == ki.zoo.get(name).record.parameters


@pytest.mark.slow
def test_products_of_blocks_are_those_of_a_model_of_that_depth():
    """Two shallow models tell a deeper one's products and operations, by the arithmetic of its convolutions."""
    keywords = {"channels": 6, "num_terms": 3, "power_iterations": 1}
    three = count_step("digits_flow", {**keywords, "blocks": (3, 3)}, 16)
    two, one = (count_step("digits_flow", {**keywords, "blocks": (depth, depth)}, 16) for depth in (2, 1))
    assert three.gflop - two.gflop == pytest.approx(two.gflop - one.gflop, rel=1e-6)
    assert three.parameters - two.parameters == two.parameters - one.parameters
    assert three.operations - two.operations == two.operations - one.operations > 0
    # A branch's three convolutions on both grids, once forward: a step has several of these, and little else.
    once = sum(2 * 16 * side**2 * (2 * 9 * c * 6 + 36) for side, c in ((4, 4), (2, 16))) / 1e9
    assert 5 * once < two.gflop - one.gflop < 30 * once


def test_the_command_prints_commands_that_can_be_pasted():
    result = CliRunner().invoke(cli, ["report", "--size", "paper", "--tflops", "30", "--gpus", "8"])
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if line and not line.startswith("#")]
    assert lines == [command for job in JOBS for command in job.commands]
    assert "30 TFLOP/s a GPU assumed, 8 GPU(s)" in result.stdout
    assert "no measurements" in result.stdout
    assert "Figure 1: not estimated" in result.stdout
    assert re.search(r"Figure 2, Glow: 3 x at most 976,000 steps of .* by its operations", result.stdout)
    rows = json.loads(CliRunner().invoke(cli, ["report", "--size", "paper", "--json"]).stdout)["rows"]
    assert [row["commands"] for row in rows] == [list(job.commands) for job in JOBS]


@pytest.mark.parametrize("wrong", [{"tflops": 0}, {"tflops": math.nan}, {"gpus": 0}])
def test_numbers_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` must be .*Received"):
        paper_plan(**wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist_flow", "mnist_classifier"])
def test_a_recount_finds_what_was_recorded(name):
    model, keywords, batch_size = COUNTED[name]
    found = count_step(model, keywords, batch_size)
    recorded = next(row for row in read_recorded(RECORDED / "paper_counts").rows if row["name"] == name)
    for field, value in found._asdict().items():
        assert value == pytest.approx(recorded[field], rel=0.02), field
