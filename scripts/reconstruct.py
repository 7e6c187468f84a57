"""Inverts a run on test images: `python scripts/reconstruct.py --help`, the same as `keras-iresnet reconstruct`."""

import sys

from keras_iresnet_cli import main

if __name__ == "__main__":
    main(["reconstruct", *sys.argv[1:]])
