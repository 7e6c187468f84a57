"""Proves the best checkpoint of a run invertible."""

import os

from keras_iresnet.evaluation.certificate import Certificate, certify
from keras_iresnet.runs.run_folder import RunFolder


def certify_run(run: str | os.PathLike) -> Certificate:
    """Bound every layer's norm and every block's Lipschitz constant of a run's best checkpoint.

    Args:
        run: the run folder.

    Returns:
        `Certificate`, as `keras_iresnet.certify` makes it of a model: `invertible` says whether all is proved, and
        printed it is a report.

    Raises:
        ValueError: no run folder.
    """
    return certify(RunFolder.open(run).load_best())
