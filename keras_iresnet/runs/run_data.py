"""The data of a run: read as they were, and refused where they have changed since."""

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keras_iresnet import data, zoo
from keras_iresnet.runs.run_folder import RunFolder

SHOWN_NAMES = 20  # of classes and columns


def load_data(
    recipe: Mapping[str, Any],
    reading: Mapping[str, Any],
    *,
    data_dir: str | os.PathLike | None,
    labels: bool,
) -> data.Splits:
    """The data set of a recipe, read as it says.

    Args:
        recipe: its fields.
        reading: the options of `data.Reading` that are not the defaults.
        data_dir: TFDS data directory.
        labels: whether classes or conditions are wanted.

    Raises:
        ValueError: the recipe names no data, or they cannot be used.
        OSError: they cannot be read.
    """
    if not recipe["dataset"]:
        raise ValueError(
            "`dataset` must be given for a model without data of its own: a folder of pictures, an array or "
            f"a table, or one of {', '.join(data.names())}. Received: dataset=''"
        )
    return data.load(recipe["dataset"], data_dir=data_dir, seed=recipe["seed"], labels=labels, **reading)


def data_of_run(
    run: RunFolder,
    *,
    data_dir: str | os.PathLike | None = None,
    labels: bool = False,
    dataset: str | os.PathLike | None = None,
) -> data.Splits:
    """The data that a run was trained on.

    Args:
        run: the run.
        data_dir: TFDS data directory.
        labels: whether classes or conditions are wanted.
        dataset: where the data are now, if they were moved.

    Raises:
        ValueError: the data are not those of the run any more.
        OSError: they cannot be read.
    """
    config = run.read_config()
    recipe = config["recipe"] | ({} if dataset is None else {"dataset": data.path_of(dataset) or str(dataset)})
    splits = load_data(recipe, config.get("reading", {}), data_dir=data_dir, labels=labels)
    check_unchanged(config, splits)
    return splits


def description_of(run: RunFolder) -> data.Description:
    """What a run records of its data: names of classes and columns, a digest."""
    return data.Description.from_json(run.read_config().get("data", {}))


def told(description: data.Description) -> Iterator[str]:
    """What one should know of one's own data, a line each: names of classes and columns, files that were left out."""
    names = {
        "Classes": description.class_names,
        "Columns": description.columns,
        "Given": description.condition_columns,
        "Unreadable and left out": description.skipped,
    }
    for what, known in names.items():
        if known:
            more = f" and {len(known) - SHOWN_NAMES:,} more" if len(known) > SHOWN_NAMES else ""
            yield f"{what}: {', '.join(known[:SHOWN_NAMES])}{more}"
    if description.digest:
        yield f"Digest: {description.digest[:12]}"


def check_unchanged(config: Mapping[str, Any], splits: data.Splits) -> None:
    """Refuse data of one's own that are not those that a run's config.json tells of.

    Raises:
        ValueError: they are not.
    """
    known, found = config.get("data", {}).get("digest"), splits.description.digest
    if known != found:
        raise ValueError(
            "The data must be those that the run was trained on; files have changed, come or gone since. Restore them, "
            "or give where they are now as `dataset`, or train a new run. "
            f"Received: {splits.name} with the digest {str(found)[:12]}, not {str(known)[:12]}"
        )


def facts_of(splits: data.Splits, entry: zoo.Entry) -> dict[str, Any]:
    """What a data set decides of a builder: those of the arguments in `entry.from_data` that it has.

    Raises:
        ValueError: the builder needs images and these are points, or the other way round; one whose `bins` are `None`
            by default takes both.
    """
    points = splits.bins is None and len(splits.event_shape) == 1
    bins = inspect.signature(entry.builder).parameters.get("bins")
    takes_both = bins is not None and bins.default is None
    if not takes_both and points != ("features" in entry.from_data):
        raise ValueError(
            f"`dataset` must hold {'images' if points else 'points or a table'} for {entry.name}. "
            f"Received: dataset={splits.name!r}, of shape {splits.event_shape} with bins={splits.bins}"
        )
    facts = {
        "event_shape": tuple(splits.event_shape),
        "features": splits.event_shape[0],
        "bins": splits.bins,
        "classes": splits.classes,
        "num_classes": splits.classes,
        "condition_size": splits.condition_size,
        "positive": _indices(splits.description, splits.description.positive),
        "bounds": tuple(
            (splits.description.columns.index(name), *between)
            for name, between in splits.description.bounds.items()
            if name in splits.description.columns
        ),
    }
    return {fact: facts[fact] for fact in entry.from_data if facts[fact] is not None}


def _indices(description: data.Description, names: Sequence[str]) -> tuple[int, ...]:
    """Where columns stand in an example; those that a density is conditioned on do not."""
    return tuple(description.columns.index(name) for name in names if name in description.columns)
