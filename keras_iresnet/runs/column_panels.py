"""The picture of samples of a table: how each column is spread, beside the data."""

import math
import os
from collections.abc import Sequence

import numpy as np

MOST = 16  # columns that a picture has room for
BINS = 40


def save_column_panels(data: np.ndarray, samples: np.ndarray, columns: Sequence[str], path: str | os.PathLike) -> None:
    """Draw a histogram of each of the first columns, data beside samples, as PNG.

    Args:
        data: (n, columns).
        samples: (m, columns).
        columns: their names.
        path: file to write.
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    count = min(len(columns), MOST)
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    figure = Figure(figsize=(3 * across, 2.4 * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for index, axis in enumerate(axes):
        if index >= count:
            axis.set_axis_off()
            continue
        edges = np.histogram_bin_edges(data[:, index], BINS)
        for values, label in ((data[:, index], "data"), (samples[:, index], "samples")):
            axis.hist(values, edges, density=True, histtype="step", label=label)
        axis.set(title=columns[index], yticks=[])
    axes[0].legend()
    figure.savefig(path, format="png", dpi=100)
