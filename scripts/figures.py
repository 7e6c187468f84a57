"""Draws the paper's figures for a run: `python scripts/figures.py --help`, the same as `keras-iresnet figures`."""

import sys

from keras_iresnet_cli import main

if __name__ == "__main__":
    main(["figures", *sys.argv[1:]])
