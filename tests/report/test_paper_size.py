"""The commands for a cluster are commands of the package, and their estimates are counts."""

import json
import math
import shlex

import click
import pytest
from click.testing import CliRunner

import keras_iresnet as ki
from keras_iresnet.report.paper_counts import COUNTED, count_step
from keras_iresnet.report.paper_size import JOBS, paper_plan
from keras_iresnet.report.recorded_runs import RECORDED, read_recorded
from keras_iresnet_cli import cli


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


def test_estimates_are_counts_over_the_rate():
    row = next(row for row in paper_plan(tflops=20, gpus=4) if row["makes"].startswith("Table 4 and figure 5"))
    assert row["steps"] == 200 * 390
    assert row["gpu_hours"] == pytest.approx(row["steps"] * row["tflop"] / 20 / 3600)
    assert row["hours"] == pytest.approx(row["gpu_hours"] / 4)
    alone = next(one for one in paper_plan(gpus=1) if one["makes"] == row["makes"])
    assert row["memory_gib"] < alone["memory_gib"] < 4 * row["memory_gib"]


def test_parameters_that_were_counted_are_those_of_the_paper_sizes():
    counted = {row["name"]: row for row in read_recorded(RECORDED / "paper_counts").rows}
    assert set(counted) == set(COUNTED)
    for name in ("mnist_flow", "mnist_classifier", "resnet164_classifier"):
        assert counted[name]["parameters"] == ki.zoo.get(name).record.parameters


@pytest.mark.slow
def test_products_of_blocks_are_those_of_a_model_of_that_depth():
    """Two shallow models tell a deeper one's products, by the arithmetic of its convolutions."""
    keywords = {"channels": 6, "num_terms": 3, "power_iterations": 1}
    three = count_step("digits_flow", {**keywords, "blocks": (3, 3)}, 16)
    two, one = (count_step("digits_flow", {**keywords, "blocks": (depth, depth)}, 16) for depth in (2, 1))
    assert three.gflop - two.gflop == pytest.approx(two.gflop - one.gflop, rel=1e-6)
    assert three.parameters - two.parameters == two.parameters - one.parameters
    # A branch's three convolutions on both grids, once forward: a step has several of these, and little else.
    once = sum(2 * 16 * side**2 * (2 * 9 * c * 6 + 36) for side, c in ((4, 4), (2, 16))) / 1e9
    assert 5 * once < two.gflop - one.gflop < 30 * once


def test_the_command_prints_commands_that_can_be_pasted():
    result = CliRunner().invoke(cli, ["report", "--size", "paper", "--tflops", "30", "--gpus", "8"])
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if line and not line.startswith("#")]
    assert lines == [command for job in JOBS for command in job.commands]
    assert "30 TFLOP/s a GPU assumed, 8 GPU(s)" in result.stdout
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
