"""What benchmarks found, as tables in a terminal; `scripts/benchmark.py` shows them."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from keras_iresnet.benchmarks.scaling import Scaling
from keras_iresnet.benchmarks.training_step import Cost, ModelCost
from keras_iresnet.benchmarks.turns import Comparison


def show_comparison(comparison: Comparison, title: str, facts: Mapping[str, Mapping[str, float]] | None = None) -> None:
    """Ways that were timed in turn: seconds, times the first, and by label what each tells of itself."""
    summary = comparison.summary()
    first = next(iter(comparison.seconds))
    columns = ("", "seconds", f"/ {first}", *(["facts"] if facts else []))
    table = Table(*columns, title=f"{title}: median (range) of {summary['pairs']}")
    for label in comparison.seconds:
        ratio = _ranged(summary, f"{label}_over_{first}") if label != first else ""
        told = ", ".join(f"{name} {value:.3g}" for name, value in facts[label].items()) if facts else None
        table.add_row(label, _ranged(summary, f"{label}_seconds"), ratio, *([told] if facts else []))
    Console().print(table)


def show_costs(costs: Mapping[str, Mapping[int, Cost]]) -> None:
    """Costs of a step by the form of the log-determinant, and by terms."""
    columns = ("form", "terms", "trace s", "(CPU s)", "first step s", "operations", "peak MiB")
    starts = Table(*columns, title="Each in a process of its own")
    for form, by_terms in costs.items():
        for terms, one in by_terms.items():
            starts.add_row(form, str(terms), *_cells(one))
    Console().print(starts)


def show_models(costs: Mapping[str, ModelCost], batch_size: int) -> None:
    """What users of models wait for, by their names."""
    starts = ("build s", "trace s", "(CPU s)", "first step s", "operations", "peak MiB")
    columns = ("model", "parameters", *starts, "all until then s", "step s")
    table = Table(*columns, title=f"Batches of {batch_size}, each model in a process of its own")
    for name, one in costs.items():
        cells = (f"{one.parameters:,}", f"{one.build_seconds:.1f}", *_cells(one))
        table.add_row(name, *cells, f"{one.seconds_to_first_step:.1f}", f"{one.step_seconds:.2f}")
    Console(width=max(Console().width, 140)).print(table)  # in a file too, where Rich takes a terminal's 80 columns


def show_scaling(scaling: Scaling) -> None:
    """How a step grows with what was changed."""
    summary = scaling.summary()
    proportion = {
        "terms": "passes a term more",
        "replicas": "seconds / one replica's",
    }.get(scaling.what, "a unit, / the first's")
    title = f"Training step by {scaling.what}: median (range) of {summary['pairs']}"
    table = Table(scaling.what, "seconds", proportion, title=title)
    for label in scaling.comparison.seconds:
        found = summary["in_proportion"].get(label)
        low, high = found["range"] if found else (None, None)
        ratio = f"{found['median']:.3f} ({low:.3f} to {high:.3f})" if found else ""
        table.add_row(str(scaling.sizes.get(label, label)), _ranged(summary, f"{label}_seconds"), ratio)
    Console().print(table)


def _ranged(summary, name):
    low, high = summary[f"{name}_range"]
    return f"{summary[name]:.3f} ({low:.3f} to {high:.3f})"


def _cells(one):
    seconds = (one.trace_seconds, one.trace_cpu_seconds, one.first_step_seconds)
    return *(f"{value:.1f}" for value in seconds), f"{one.operations:,}", f"{one.peak_memory_mib:,.0f}"


def roofline(gflop: float, gflop_per_second: float, gflop_per_second_alone: float, share: float) -> str:
    """What `Arithmetic.reached` found, in words.

    Example:
    >>> from keras_iresnet.benchmarks.terminal_tables import roofline
    >>> roofline(46.0, 125.0, 150.0, 0.833)
    '46.0 GFLOP of products at 125 a second, 83% of the 150 that these reach alone'
    """
    rates = f"at {gflop_per_second:.0f} a second, {share:.0%} of the {gflop_per_second_alone:.0f}"
    return f"{gflop:.1f} GFLOP of products {rates} that these reach alone"
