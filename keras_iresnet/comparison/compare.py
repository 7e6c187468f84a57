"""Trains several densities on one data set, each in a run of its own, and puts them into one table."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_iresnet import data, zoo
from keras_iresnet.comparison.classical import ClassicalDensity
from keras_iresnet.comparison.command import command_of
from keras_iresnet.comparison.comparison_files import write_comparison, write_page, write_pictures
from keras_iresnet.comparison.comparison_table import rows_of
from keras_iresnet.comparison.contestants import CLASSICAL, contestants, fits, kind_of, title_of
from keras_iresnet.comparison.ended import ended_fits, ended_runs, has_ended
from keras_iresnet.comparison.gathering import classical_entry, timings_in, trained_entry
from keras_iresnet.comparison.plan import Plan, asked_of, checked_overrides
from keras_iresnet.runs.progress import console
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.state.save_state import TerminatedError
from keras_iresnet.runs.train import train

_ATTEMPTS, _SLOWER = 3, 4  # rates of learning that a model is given, each so many times lower than the one before


class Comparison(NamedTuple):
    """What a comparison found.

    Attributes:
        paths: of the files that it wrote.
        rows: of the table, the best first: column -> value.
    """

    paths: tuple[pathlib.Path, ...]
    rows: list[dict[str, Any]]


def compare(
    dataset: str | os.PathLike,
    out: str | os.PathLike,
    *,
    models: Sequence[str] | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    seeds: Sequence[int] = (0,),
    parameters: int | None = None,
    blocks: int | None = None,
    test_examples: int | None = None,
    pairs: int = 5,
    data_dir: str | os.PathLike | None = None,
    overrides: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Comparison:
    """Train several kinds of densities alike and evaluate them on the same held-out examples.

    Each has as many layers and, by its width, about as many parameters; one recipe trains all of them, that of our own
    flow for such data. Points and tables are given to scikit-learn's densities too. Called again with the same
    folder, it goes on where it was interrupted, and takes what has ended as it is; models and seeds may be added: those
    that have ended in the folder before stay in the tables and pictures.

    Args:
        dataset: what `keras_iresnet.data.load` takes: a toy, `"digits"`, images of TFDS, a folder, an array, a table.
        out: folder of the comparison: a run for each model and seed in `runs`, the table, the pictures.
        models: names of `contestants(kind)`; all of them by default, but couplings of a single column.
        steps: of each training.
        minutes: of each training; 5 where neither is given. Where both are, what comes first ends it.
        seeds: of weights, order and noise, and of a toy's training points. The test split is the same for all.
        parameters: of each model, about; by default those of an i-ResNet of middling width.
        blocks: layers of each model: 16 in the plane, 6 for tables, 8 for images by default. Of images they are those
            of each scale; Real NVP has as many with each of its masks, NICE and MAF, which have no scales, as many in
            all. MADE has one layer in any case, FFJORD one, of images one in each scale.
        test_examples: how many of the test split are evaluated; by default 10,000 points or 1,000 images at most.
        pairs: how often a step, samples and an inverse of each model are timed, in turns; 0 for no timings.
        data_dir: TFDS data directory.
        overrides: fields of the recipe and options of `Reading` for all models, such as `{"label": "class"}`.
        progress: whether to show it, on standard error.

    Returns:
        `Comparison`.

    Raises:
        ValueError: an unknown model or field, numbers that cannot be, or a folder that holds a comparison of something
            else: all before any training.
        OSError: the data cannot be read, the folder not be written.
        TerminatedError: SIGTERM or Ctrl-C came; the run's state is saved.
    """
    chosen = checked_overrides(overrides or {})
    _check_seeds(seeds)
    if pairs < 0:
        raise ValueError(f"`pairs` must be at least 0. Received: pairs={pairs}")
    reading = {field: value for field, value in chosen.items() if field in data.Reading.__dataclass_fields__}
    splits = data.load(dataset, data_dir=data_dir, seed=seeds[0], **reading)
    names = _checked_models(models, splits)
    numbers = {"parameters": parameters, "blocks": blocks, "test_examples": test_examples}
    asked = asked_of(dataset, splits, steps=steps, minutes=minutes, overrides=chosen, **numbers)
    out = pathlib.Path(out)
    plan = Plan(out, asked, splits)
    plan.write()
    wanted = [(name, seed) for seed in seeds for name in names]
    try:
        ended = _train_all(plan, wanted, data_dir=data_dir, progress=progress)
    except TerminatedError as error:
        options = {"models": models, "steps": steps, "minutes": minutes, "seeds": seeds, **numbers, "pairs": pairs}
        command = command_of(dataset, out, options | {"data_dir": data_dir, "overrides": overrides})
        raise TerminatedError(error.saved, error.signal, f"The comparison goes on with: {command}") from error
    present = ended_fits(out) | set(ended) | set(names)
    classical = {name: ClassicalDensity(name, splits) for name in CLASSICAL if name in present}
    entries = [
        classical_entry(name, classical[name], plan, out)
        if name in classical
        else trained_entry(name, plan, ended[name], progress)
        for name in contestants(plan.kind)
        if name in present
    ]
    return _reported(out, plan, entries, ended, classical, pairs)


def _train_all(plan, asked, *, data_dir, progress):
    """Contestant -> seed -> its run or `None`, of those that are asked for and those that have ended before."""
    out = plan.path.parent
    found: dict[str, dict[int, RunFolder | None]] = {}
    trained = {(name, seed): plan.training(name, seed) for name, seed in asked if name not in CLASSICAL}
    for (name, seed), (model, options) in trained.items():
        folder = out / "runs" / f"{name}-seed{seed}"
        run = _train(model, folder, options, data_dir=data_dir, progress=progress)
        found.setdefault(name, {})[seed] = run
    before = ended_runs(out, plan)
    return {name: before.get(name, {}) | found.get(name, {}) for name in before | found}


def _reported(out, plan, entries, ended, classical, pairs):
    """The timings, and the files of all that is known."""
    runs = {name: first for name, of in ended.items() if (first := next(filter(None, of.values()), None))}
    timings = timings_in(out, plan, runs, pairs)
    entries = [dataclasses.replace(one, traits={**one.traits, **timings.get(one.name, {})}) for one in entries]
    rows = rows_of(entries, plan.splits)
    paths = write_comparison(out, plan, entries, rows)
    flows = {title_of(name): run.load_best() for name, run in runs.items()}
    images = write_pictures(out, plan, rows, flows, {title_of(name): of for name, of in classical.items()})
    return Comparison((*paths, *images.values(), write_page(out, plan, rows, images)), rows)


def _check_seeds(seeds):
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f"`seeds` must be different numbers of at least 0. Received: seeds={tuple(seeds)}")


def _checked_models(models, splits):
    known = contestants(kind_of(splits))
    names = known if models is None else list(dict.fromkeys(models))
    if not names or not set(names) <= set(known):
        raise ValueError(f"`models` must be among {', '.join(known)} for such data. Received: models={tuple(names)}")
    unfit = [name for name in names if not fits(name, splits.event_shape)]
    if unfit and models is not None:
        raise ValueError(
            f"`models` must do with one column, which couplings cannot split in two: {', '.join(unfit)}. "
            f"Received: models={tuple(names)}"
        )
    return [name for name in names if name not in unfit]


def _train(model, folder, options, *, data_dir, progress):
    """The run; `None` where its loss became infinite or NaN at each of the rates that were tried.

    One recipe trains all, and its rate may be too high for some: these are given lower ones, each in a folder of its
    own, rather than a row without a figure.
    """
    rate = options.get("learning_rate", zoo.get(model).recipe.learning_rate)
    rates = [rate / _SLOWER**i for i in range(_ATTEMPTS)]
    folders = [folder, *(folder.with_name(f"{folder.name}-rate{one:.3g}") for one in rates[1:])]
    for i, (tried, one) in enumerate(zip(folders, rates, strict=True)):
        if any(later.exists() for later in folders[i + 1 :]):  # it diverged when this comparison was begun
            continue
        try:
            shown = progress and not has_ended(tried)  # of what has ended there is nothing to tell
            train(model, resume=tried, overrides={**options, "learning_rate": one}, data_dir=data_dir, progress=shown)
        except FloatingPointError as error:
            console(progress).print(f"The run in {tried} diverged. {error}")
        else:
            return RunFolder(tried)
    return None
