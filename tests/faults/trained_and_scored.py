"""Trains on a table and scores it by the two commands, in whatever surroundings the process has.

python trained_and_scored.py TABLE RUN
"""

import sys

import keras_iresnet_cli

SIZES = ["--blocks", "1", "--units", "8", "--epochs", "1", "--batch-size", "16", "--deterministic"]


def main(table, run):
    for words in (["train", "tabular_flow", "--dataset", table, "--out", run, *SIZES], ["score", run, table]):
        try:
            keras_iresnet_cli.main(words)
        except SystemExit as end:
            if end.code:
                raise


if __name__ == "__main__":
    main(*sys.argv[1:])
