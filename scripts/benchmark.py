"""Measures what the package costs on this machine: `python scripts/benchmark.py step --help`."""

import dataclasses
import functools
import json
import os
import pathlib

import click

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported, here and in child processes


@click.group()
def benchmark():
    """Benchmarks: a table to read, and JSON to keep. Run them on an idle machine."""


@benchmark.command()
@click.option("--scales", default=3, show_default=True, help="Scales, each after a squeeze.")
@click.option("--blocks", default=4, show_default=True, help="Residual blocks of a scale.")
@click.option("--channels", default=128, show_default=True, help="Hidden channels of a branch.")
@click.option("--size", default=32, show_default=True, help="Height and width of the images.")
@click.option("--batch-size", default=32, show_default=True, help="Images in a step.")
@click.option("--num-terms", default=5, show_default=True, help="Terms of the log-det series.")
@click.option("--num-probes", default=1, show_default=True, help="Probes of the log-det series.")
@click.option("--pairs", default=15, show_default=True, help="Pairs of steps to time.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="JSON file to write.")
def step(scales, blocks, pairs, out, **sizes):
    """Time of a training step: dual form against GradientTape through every term, in one process."""
    from keras_iresnet.benchmarks.training_step import TrainingStep
    from keras_iresnet.benchmarks.turns import in_turns
    from keras_iresnet.benchmarks.workload import FORMS, Workload, build_flow

    workload = Workload(blocks=(blocks,) * scales, **sizes)
    click.echo(f"timing {pairs} pairs of steps", err=True)
    steps = {form: TrainingStep(build_flow(form, workload), workload.batch_size) for form in FORMS}
    facts = {form: one.arithmetic()._asdict() for form, one in steps.items()}
    result = {"workload": dataclasses.asdict(workload)}
    _tell(in_turns(steps, pairs), _title(workload), facts, out, result)


def _title(workload):
    pixels = f"{workload.size} x {workload.size} pixels"
    blocks = f"{len(workload.blocks)} x {workload.blocks[0]} blocks, {workload.channels} channels"
    return f"training step: {blocks}, batch {workload.batch_size} of {pixels}"


def _sizes(command):
    """The options of a `Workload`, and those of every comparison in turn."""
    for option in (
        click.option("--scales", default=3, show_default=True, help="Scales, each after a squeeze."),
        click.option("--blocks", default=4, show_default=True, help="Residual blocks of a scale."),
        click.option("--channels", default=128, show_default=True, help="Hidden channels of a branch."),
        click.option("--size", default=32, show_default=True, help="Height and width of the images."),
        click.option("--batch-size", default=32, show_default=True, help="Images in a step."),
        click.option("--pairs", default=5, show_default=True, help="Times that each is timed, in turn."),
        click.option("--out", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="JSON file to write."),
    ):
        command = option(command)
    return command


@benchmark.command()
@_sizes
@click.option(
    "--terms", type=int, multiple=True, default=(2, 5, 10, 20), show_default=True, help="Terms to measure at."
)
def memory(scales, blocks, terms, pairs, out, **sizes):
    """Peak memory and tracing of a training step by terms of the series: dual form, and GradientTape through each."""
    from keras_iresnet.benchmarks import terminal_tables
    from keras_iresnet.benchmarks.training_step import cost
    from keras_iresnet.benchmarks.workload import FORMS, Workload

    def measured(form, count):
        click.echo(f"measuring {form} with {count} terms", err=True)
        return cost(form, dataclasses.replace(workload, num_terms=count), steps=pairs)

    workload = Workload(blocks=(blocks,) * scales, **sizes)
    costs = {form: {count: measured(form, count) for count in sorted(terms)} for form in FORMS}
    terminal_tables.show_costs(costs)
    by_terms = {form: {count: dataclasses.asdict(one) for count, one in found.items()} for form, found in costs.items()}
    _write(out, {"workload": dataclasses.asdict(workload), "costs_by_num_terms": by_terms})


@benchmark.command()
@_sizes
@click.argument("ways", nargs=-1, type=click.Choice(["blocks", "batch", "terms", "replicas"]))
@click.option("--at", "at", type=int, multiple=True, help="Sizes to compare with the first: blocks of a scale, ...")
def scaling(ways, at, scales, blocks, pairs, out, **sizes):
    """How a training step grows with blocks, batch and terms, and what two replicas cost: all, or those WAYS."""
    from keras_iresnet.benchmarks import terminal_tables
    from keras_iresnet.benchmarks.scaling import WAYS, scale
    from keras_iresnet.benchmarks.workload import Workload

    if at and len(ways) != 1:
        raise click.UsageError("--at needs one of the WAYS, whose sizes it names.")
    workload = Workload(blocks=(blocks,) * scales, **sizes)
    found = {}
    for way in ways or WAYS:
        click.echo(f"timing by {way}", err=True)
        found[way] = scale(way, workload, at, pairs)
        terminal_tables.show_scaling(found[way])
    summaries = {way: one.summary() for way, one in found.items()}
    _write(out, {"workload": dataclasses.asdict(workload), "pairs": pairs, "scaling": summaries})


_FFJORD = click.option("--ffjord", is_flag=True, help="TFP's FFJORD too, at as many parameters: it takes its time.")


@benchmark.command()
@_sizes
@_FFJORD
def rivals(scales, blocks, pairs, ffjord, out, **sizes):
    """A training step of ours and of normflows, where it is installed, each in a process of its own, in turn."""
    from keras_iresnet.benchmarks.peers import compare_steps
    from keras_iresnet.benchmarks.workload import Workload

    workload = Workload(blocks=(blocks,) * scales, **sizes)
    comparison, facts = compare_steps(workload, pairs=pairs, ffjord=ffjord)
    _tell(comparison, _title(workload), facts, out, {"workload": dataclasses.asdict(workload)})


@benchmark.command()
@_sizes
@click.option("--images", default=100, show_default=True, help="Images to invert.")
@_FFJORD
def inverse(scales, blocks, images, pairs, ffjord, out, **sizes):
    """The inverse of images at norms of 0.9: ours, the authors' way, and normflows', where it is installed."""
    from keras_iresnet.benchmarks.peers import compare_inverses
    from keras_iresnet.benchmarks.workload import Workload

    workload = Workload(blocks=(blocks,) * scales, **sizes)
    comparison, facts = compare_inverses(workload, images=images, pairs=pairs, ffjord=ffjord)
    title = f"inverse of {images} images: {scales} x {blocks} blocks, {workload.channels} channels"
    _tell(comparison, title, facts, out, {"workload": dataclasses.asdict(workload), "images": images})


@benchmark.command()
@click.argument("run", type=click.Path(file_okay=False, exists=True))
@click.option("--images", default=100, show_default=True, help="Images to draw.")
@click.option("--pairs", default=5, show_default=True, help="Times that each is timed, in turn.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="JSON file to write.")
def sample(run, images, pairs, out):
    """Samples of a finished RUN to 1e-5: ours, and the authors' way of 100 steps a block."""
    from keras_iresnet.benchmarks.peers import compare_samples

    comparison, facts = compare_samples(run, images=images, pairs=pairs)
    _tell(comparison, f"{images} samples of a trained {_name_of(run)} to 1e-5", facts, out, {"images": images})


@benchmark.command()
@click.argument("run", type=click.Path(file_okay=False, exists=True))
@click.option("--images", default=200, show_default=True, help="Images to evaluate.")
@click.option("--pairs", default=5, show_default=True, help="Times that each is timed, in turn.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="JSON file to write.")
def evaluate(run, images, pairs, out):
    """A pass of bits/dim by a finished RUN to the same bias: terms found on the way, or fixed beforehand."""
    from keras_iresnet.benchmarks.peers import compare_evaluations

    comparison, facts = compare_evaluations(run, images=images, pairs=pairs)
    _tell(comparison, f"evaluation of {images} images by a trained {_name_of(run)}", facts, out, {"images": images})


@benchmark.command()
@click.argument("names", nargs=-1)
@click.option("--blocks", type=int, multiple=True, help="Of a model in all, shared by its scales; its own by default.")
@click.option("--batch-size", default=16, show_default=True, help="Images in a step.")
@click.option("--steps", default=3, show_default=True, help="Steps to time, after the first.")
@click.option("--mixed", is_flag=True, help="Measure mixed_bfloat16 too, and how many times faster its steps are.")
@click.option("--jit/--no-jit", default=None, help="Whether XLA compiles the step.  [default: Keras decides]")
@click.option("--out", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="JSON file to write.")
def trace(names, blocks, batch_size, steps, mixed, jit, out):
    """Building, tracing, first step and memory of models of the zoo: cifar_flow, or those NAMES."""
    from keras_iresnet.benchmarks import terminal_tables
    from keras_iresnet.benchmarks.training_step import model_cost, shared_blocks

    costs, speedups, jit_compile = {}, {}, "auto" if jit is None else jit
    for name in names or ("cifar_flow",):
        for count in blocks or (None,):
            label = name if count is None else f"{name}, {count} blocks"
            click.echo(f"measuring {label}", err=True)
            keywords = {} if count is None else {"blocks": shared_blocks(name, count)}
            measured = functools.partial(
                model_cost, name, batch_size=batch_size, steps=steps, keywords=keywords, jit_compile=jit_compile
            )
            costs[label] = measured()
            if mixed:
                precision = "mixed_bfloat16"
                costs[f"{label}, {precision}"] = low = measured(precision=precision)
                speedups[label] = costs[label].step_seconds / low.step_seconds
    terminal_tables.show_models(costs, batch_size)
    for label, speedup in speedups.items():
        click.echo(f"{label}: steps in mixed_bfloat16 are {speedup:.2f} times as fast as in float32")
    result = {"mixed_speedups": speedups} if mixed else {}
    found = {label: dataclasses.asdict(one) for label, one in costs.items()}
    _write(out, {**result, "batch_size": batch_size, "jit_compile": jit_compile, "models": found})


@benchmark.command()
@click.argument("name", default="cifar10_classifier")
@click.option("--batch-size", default=64, show_default=True, help="Images in a step.")
@click.option("--pairs", default=15, show_default=True, help="Pairs of steps to time.")
@click.option(
    "--power-iterations", type=int, multiple=True, default=(1,), show_default=True, help="Of a step; several times."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="JSON file to write.")
def classifier(name, batch_size, pairs, power_iterations, out):
    """What the constraint costs: a training step of classifier NAME with its coeff, against coeff none."""
    from keras_iresnet import zoo
    from keras_iresnet.benchmarks import terminal_tables
    from keras_iresnet.benchmarks.training_step import compare

    click.echo(f"timing {pairs} pairs of steps of {name}", err=True)
    builder = zoo.get(name).builder
    models = {"vanilla": builder(seed=0, coeff=None)}
    models |= {f"constrained_{count}": builder(seed=0, power_iterations=count) for count in power_iterations}
    comparison = compare(models, batch_size, pairs=pairs)
    terminal_tables.show_comparison(comparison, f"{name}, batch {batch_size}, by power iterations of a step")
    _write(out, {"model": name, "batch_size": batch_size, **comparison.summary()})


@benchmark.command()
@click.option("--lip", "lips", type=float, multiple=True, default=(0.73, 0.95), show_default=True, help="Of a branch.")
@click.option("--num-terms", default=5, show_default=True, help="Terms of the series.")
@click.option("--steps", default=200, show_default=True, help="Of each: the roulette's length is random.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="JSON file to write.")
def roulette(lips, num_terms, steps, out):
    """What an unbiased log-determinant costs: training steps by roulette, against the series cut short."""
    from keras_iresnet.benchmarks.roulette_step import compare_roulette, mean_ratio

    found = compare_roulette(lips=lips, num_terms=num_terms, steps=steps)
    for lip, comparison in found.items():
        click.echo(f"L = {lip}: {mean_ratio(comparison):.2f} times the series' step, the mean of {steps} of each")
    if out:
        by_lip = {lip: {"mean_ratio": mean_ratio(one), **one.summary()} for lip, one in found.items()}
        out.write_text(json.dumps({"num_terms": num_terms, "by_lip": by_lip} | _where(), indent=2) + "\n")


@benchmark.command()
@click.argument("name", default="digits_classifier")
@click.option("--power-iterations", type=int, multiple=True, default=(1, 5, 10), show_default=True, help="Of a step.")
@click.option("--steps", default=1000, show_default=True, help="Of each training.")
@click.option("--data-dir", type=click.Path(), help="TFDS data directory.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="JSON file to write.")
def normalization(name, power_iterations, steps, data_dir, out):
    """What holds the norms of classifier NAME at its coeff: power iterations in each step, or after the last."""
    from rich.console import Console
    from rich.table import Table

    from keras_iresnet.benchmarks.norm_control import train_normalized

    columns = ("iterations of a step", "after the last", "largest norm / coeff", "layers above 1.01", "seconds")
    table = Table(*columns, title=f"{name}, {steps:,} steps, by SVD")
    found = {}
    for count in power_iterations:
        click.echo(f"training with {count} power iterations a step", err=True)
        found[count] = train_normalized(name, power_iterations=count, steps=steps, data_dir=data_dir)
        table.add_row(str(count), "on the way", f"{max(found[count].largest_on_the_way):.4f}", "", "")
        for held in found[count].held:
            cells = (f"{held.largest:.4f}", f"{held.above} of {held.layers}", f"{held.ending_seconds:.3f}")
            table.add_row(str(count), held.ending, *cells)
    Console().print(table)
    if out:
        trainings = {count: dataclasses.asdict(one) for count, one in found.items()}
        result = {"model": name, "steps": steps, "by_power_iterations": trainings}
        out.write_text(json.dumps(result | _where(), indent=2) + "\n")


def _where():
    from keras_iresnet.runs.machine import provenance

    return {
        "machine": provenance.machine(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "versions": provenance.versions(),
        "commit": provenance.package_commit(),
    }


def _name_of(run):
    from keras_iresnet.runs import RunFolder

    return RunFolder(run).read_config()["name"]


def _tell(comparison, title, facts, out, result):
    """Show a comparison and what its ways told of themselves, and write both."""
    from keras_iresnet.benchmarks import terminal_tables
    from keras_iresnet.benchmarks.arithmetic import Arithmetic

    summary = comparison.summary()
    counted = {
        label: Arithmetic(told["gflop"], told["alone_seconds"]) for label, told in facts.items() if "gflop" in told
    }
    rooflines = {label: one.reached(summary[f"{label}_seconds"]) for label, one in counted.items()}
    terminal_tables.show_comparison(comparison, title, facts)
    for label, reached in rooflines.items():
        click.echo(f"{label}: {terminal_tables.roofline(**reached)}")
    _write(out, {"title": title, **result, **summary, "facts": facts, "rooflines": rooflines})


def _write(out, result):
    if out:
        out.write_text(json.dumps(result | _where(), indent=2) + "\n")


if __name__ == "__main__":
    benchmark()
