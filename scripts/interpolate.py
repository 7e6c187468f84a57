"""Walks between images in latent space: `python scripts/interpolate.py --help`, as `keras-iresnet interpolate`."""

import sys

from keras_iresnet_cli import main

if __name__ == "__main__":
    main(["interpolate", *sys.argv[1:]])
