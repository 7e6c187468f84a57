"""A user's own examples split into those to train, to validate and to test on."""

import dataclasses
import hashlib
import os

import numpy as np

from keras_iresnet.data.description import Description
from keras_iresnet.data.own.examples import Examples
from keras_iresnet.data.own.reader import read_examples
from keras_iresnet.data.own.reading import Reading
from keras_iresnet.data.own.standard import standardized, with_spread
from keras_iresnet.data.pipeline import Splits

FEWEST = 3  # examples, one for each split


def load(path: str | os.PathLike, reading: Reading | None = None, *, labels: bool = False) -> Splits:
    """A file or a folder of one's own as `Splits`: held out by a seed, or by files that are given.

    Args:
        path: of a `.npy`, `.npz`, `.csv` or `.parquet` file, or a folder of pictures.
        reading: how to read it.
        labels: whether each example comes with its class or its conditions, these in units of their spread.

    Raises:
        ValueError: the data cannot be used as they are; the message says why and what to do.
        OSError: a file cannot be read.
    """
    reading = reading or Reading()
    whole = read_examples(path, reading, labels=labels)
    given = {
        split: read_examples(of, reading, labels=labels, like=whole)
        for split, of in {"validation": reading.validation_data, "test": reading.test_data}.items()
        if of is not None
    }
    if len(whole) < FEWEST - len(given):
        raise ValueError(
            f"The data must hold at least {FEWEST - len(given)} examples. Received: {len(whole)} in {path}"
        )
    rows = split_rows(whole, reading, set(given))
    description = with_spread(whole, rows["train"])
    whole, given = standardized(whole, description), {k: standardized(of, description) for k, of in given.items()}
    parts = {split: (given.get(split, whole), rows.get(split)) for split in ("train", "validation", "test")}
    train, validation, test = (examples.dataset(chosen) for examples, chosen in parts.values())
    return Splits(
        os.path.abspath(path),
        whole.event_shape,
        whole.bins,
        train,
        validation,
        test,
        whole.classes,
        description=_described(description, [examples.description for examples in given.values()]),
        stored=whole.stored(rows["train"]),
    )


def split_rows(examples: Examples, reading: Reading, given: set[str]) -> dict[str, np.ndarray]:
    """The rows of each split that no file is given for, in a random order that `split_seed` fixes.

    The shares of each class are held out alike.
    """
    # RandomState, because NumPy promises never to change its stream: what was held out must stay so.
    order = np.random.RandomState(reading.split_seed).permutation(len(examples))
    if examples.classes:
        order = order[np.argsort(examples.beside[order], kind="stable")]  # type: ignore[index]
    found, shares = {}, {"test": reading.test_share, "validation": reading.validation_share}
    for split, share in shares.items():
        if split not in given:
            count = max(1, round(share * len(examples)))
            chosen = np.arange(count) * len(order) // count + len(order) // (2 * count)
            found[split], order = order[chosen], np.delete(order, chosen)
    found["train"] = order
    return {split: np.random.RandomState(reading.split_seed).permutation(rows) for split, rows in found.items()}


def _described(whole: Description, given: list[Description]) -> Description:
    """The description of the whole, whose digest is that of all files."""
    if not given:
        return whole
    digests = "".join(str(one.digest) for one in (whole, *given))
    skipped = tuple(name for one in (whole, *given) for name in one.skipped)
    return dataclasses.replace(whole, digest=hashlib.sha256(digests.encode()).hexdigest(), skipped=skipped)
