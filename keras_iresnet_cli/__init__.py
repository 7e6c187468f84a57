"""The command `keras-iresnet`: list, train, evaluate, certify, sample and more.

It lies beside the package, because importing any part of `keras_iresnet` starts TensorFlow, with seconds of delay and
lines on standard error. Nothing heavy is imported before a command needs it: `--help` answers at once.
"""

import io
import os
import sys

from keras_iresnet_cli import compare, figures, import_checkpoint, list_models, report, runs, train  # noqa: F401
from keras_iresnet_cli.group import cli


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; environment variables that the user set hold."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # warnings and errors of TensorFlow's C++ alone
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ± shows a question mark, and the command goes on
    cli(arguments)
