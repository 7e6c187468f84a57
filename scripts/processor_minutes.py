"""Runs a command of `keras-iresnet` whose `--minutes` are those that its process was computing, on all cores together.

For equal shares of a machine that does other work beside: `taskset -c 0 python scripts/processor_minutes.py train ...`.
On a GPU the processor waits, and its minutes say nothing.
"""

import sys
import threading  # noqa: F401 (its own clock stays that of the wall)
import time

time.monotonic = time.process_time  # before the package binds it

from keras_iresnet_cli import main  # noqa: E402

if __name__ == "__main__":
    main(sys.argv[1:])
