"""Draws samples from a run: `python scripts/sample.py --help`, the same as `keras-iresnet sample`."""

import sys

from keras_iresnet_cli import main

if __name__ == "__main__":
    main(["sample", *sys.argv[1:]])
