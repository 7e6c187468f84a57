"""Proves a run's model invertible: `python scripts/certify.py --help`, the same as `keras-iresnet certify`."""

import sys

from keras_iresnet_cli import main

if __name__ == "__main__":
    main(["certify", *sys.argv[1:]])
