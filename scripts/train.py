"""Trains a model of the zoo: `python scripts/train.py --help`, the same as `keras-iresnet train`."""

import sys

from keras_iresnet_cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
