"""What tests of experiments share."""

import csv

import matplotlib.image
import numpy as np


def study(paths):
    """Arrays and rows of an experiment's files, which are checked to be there."""
    npz, table, markdown, picture = paths
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(markdown.read_text().splitlines()) == len(rows) + 2
    assert matplotlib.image.imread(picture).std() > 0.02
    return np.load(npz), rows
