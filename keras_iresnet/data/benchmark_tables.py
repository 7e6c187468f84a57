"""The five tables of MAF's paper, on which flows are compared: read from the folder that was published with it.

`data_dir` holds `power/data.npy`, `gas/ethylene_CO.pickle`, `hepmass/1000_train.csv` and `1000_test.csv`,
`miniboone/data.npy` and `BSDS300/BSDS300.hdf5`. What is left out, the noise and the split are as in the code
published with the paper (Papamakarios et al., NeurIPS 2017, appendix D), so that figures can be compared.
"""

import os
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_iresnet.data.pickled_table import refuse_code
from keras_iresnet.data.pipeline import Splits

SOURCE = "https://zenodo.org/records/1161203 (data.tar.gz, 800 MB)"
Parts = tuple[np.ndarray, np.ndarray, np.ndarray]  # train, validation, test
MOST_REPEATED = 5  # rows of HEPMASS with a column's smallest value
CORRELATED = 0.98  # columns of GAS
SHARE = 10  # one row in so many is held out


def names() -> list[str]:
    """Names of the tables, sorted.

    Example:
    >>> from keras_iresnet.data import benchmark_tables
    >>> benchmark_tables.names()
    ['bsds300', 'gas', 'hepmass', 'miniboone', 'power']
    """
    return sorted(_TABLES)


def load(name: str, data_dir: str | os.PathLike | None) -> Splits:
    """The table called `name`, in units of the deviation of its columns but for BSDS300.

    Args:
        name: one of `names()`.
        data_dir: folder in the published layout.

    Raises:
        FileNotFoundError: there is no folder or file; the message says where they come from.
        ValueError: a file is not as published, or what reads it is not installed.
    """
    files, read, columns = _TABLES[name]
    folder = None if data_dir is None else pathlib.Path(data_dir)
    missing = [file for file in files if folder is None or not (folder / file).is_file()]
    if folder is None or missing:
        raise FileNotFoundError(
            f"`data_dir` must hold {' and '.join(files)}, as in {SOURCE}. Received: data_dir={str(data_dir)!r}"
        )
    parts = [np.ascontiguousarray(part, np.float32) for part in read(*(folder / file for file in files))]
    if {part.shape[1] for part in parts} != {columns} or not all(map(len, parts)):
        shapes = ", ".join(str(part.shape) for part in parts)
        raise ValueError(f"{name} must have {columns} columns, as published. Received: {shapes} in {folder}")
    with tf.device("CPU"):
        splits = [tf.data.Dataset.from_tensor_slices(part) for part in parts]
    return Splits(f"maf/{name}", (columns,), None, *splits)


def _power(file) -> Parts:
    """Household power: two columns left out, noise as wide as what the meters tell apart."""
    values, rng = np.load(file), np.random.RandomState(42)
    rng.shuffle(values)
    values = np.delete(values, (1, 3), axis=1)
    rows = len(values)
    # Drawn in this order: of the voltage, of the power, of three meters; the time has none.
    voltage, power, meters = 0.01 * rng.rand(rows, 1), 0.001 * rng.rand(rows, 1), rng.rand(rows, 3)
    return _standardized(_split(values + np.hstack((power, voltage, meters, np.zeros((rows, 1))))))


def _gas(file) -> Parts:
    """Sensors in a mixture of gases, less those that say the same as another; standardised over all rows."""
    try:
        import pandas
    except ImportError as error:
        raise ValueError(
            f"The file of gas is of pandas, which is not installed: pip install pandas. Received: {file}"
        ) from error
    refuse_code(file)
    table = pandas.read_pickle(file)
    values = table.drop(columns=["Meth", "Eth", "Time"]).to_numpy(np.float64)
    values = values[:, distinct_columns(values)]
    return _split((values - values.mean(0)) / values.std(0, ddof=1))


def distinct_columns(values: np.ndarray) -> list[int]:
    """Columns that are left when, as often as two correlate by more than 0.98, the first that does goes.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.data.benchmark_tables import distinct_columns
    >>> x, y = np.random.default_rng(0).normal(size=(2, 100))
    >>> distinct_columns(np.stack([x, y, 2 * x], 1))
    [1, 2]
    """
    kept, correlated = list(range(values.shape[1])), np.corrcoef(values, rowvar=False) > CORRELATED
    while True:
        counts = correlated[np.ix_(kept, kept)].sum(1)
        if counts.max() <= 1:
            return kept
        del kept[int(np.argmax(counts > 1))]


def _hepmass(train_file, test_file) -> Parts:
    """Collisions with a new particle, less columns of few values; the last part of the training rows validates."""
    train, test = _rows(train_file), _rows(test_file)
    train, test = train[train[:, 0] == 1][:, 1:], test[test[:, 0] == 1][:, 1:]
    test = test[:, : train.shape[1]]  # the file ends its rows with one more, empty column
    mean, deviation = train.mean(0), train.std(0, ddof=1)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    # As published: a column is told by how often its smallest value comes.
    kept = (train == train.min(0)).sum(0) <= MOST_REPEATED
    train, test = train[:, kept], test[:, kept]
    count = len(train) // SHARE
    return train[:-count], train[-count:], test


def _rows(file):
    try:
        import polars
    except ImportError as error:
        raise ValueError(
            f"Tables need polars, which is not installed: pip install 'keras-iresnet[tables]'. Received: {file}"
        ) from error
    # Names in the first line, which has one fewer than the rows of one of the files.
    table = polars.read_csv(file, has_header=False, skip_rows=1, infer_schema_length=None, truncate_ragged_lines=True)
    numbers = table.cast(polars.Float64, strict=False)
    return numbers[[one.name for one in numbers if one.null_count() < len(one)]].to_numpy()


def _miniboone(file) -> Parts:
    """Neutrino events, whose outliers and columns of few values were left out before the file was published."""
    return _standardized(_split(np.load(file)))


def _bsds300(file) -> Parts:
    """Patches of natural images, as they are."""
    import h5py  # comes with Keras

    with h5py.File(file, "r") as held:
        return held["train"][:], held["validation"][:], held["test"][:]


def _split(values) -> Parts:
    """The last tenth to test on, the last tenth of the rest to validate."""
    rest, test = values[: -(len(values) // SHARE)], values[-(len(values) // SHARE) :]
    count = len(rest) // SHARE
    return rest[:-count], rest[-count:], test


def _standardized(parts) -> Parts:
    """By mean and deviation of training and validation together."""
    known = np.concatenate(parts[:2])
    mean, deviation = known.mean(0), known.std(0)
    train, validation, test = ((part - mean) / deviation for part in parts)
    return train, validation, test


# Name -> its files, what reads them, and how many columns there are.
_TABLES: dict[str, tuple[tuple[str, ...], Callable[..., Parts], int]] = {
    "power": (("power/data.npy",), _power, 6),
    "gas": (("gas/ethylene_CO.pickle",), _gas, 8),
    "hepmass": (("hepmass/1000_train.csv", "hepmass/1000_test.csv"), _hepmass, 21),
    "miniboone": (("miniboone/data.npy",), _miniboone, 43),
    "bsds300": (("BSDS300/BSDS300.hdf5",), _bsds300, 63),
}
