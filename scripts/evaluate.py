"""Evaluates a run on held-out data: `python scripts/evaluate.py --help`, the same as `keras-iresnet evaluate`."""

import sys

from keras_iresnet_cli import main

if __name__ == "__main__":
    main(["evaluate", *sys.argv[1:]])
