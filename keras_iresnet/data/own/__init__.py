"""A user's own data: arrays, tables and folders of pictures become the `Splits` that named data sets are.

Imported by `keras_iresnet.data`, whose `load` takes their paths; nothing here knows a model.
"""

from keras_iresnet.data.own.examples import Examples
from keras_iresnet.data.own.partition import load
from keras_iresnet.data.own.reader import as_path, read_examples
from keras_iresnet.data.own.reading import COLORS, FITS, Reading
from keras_iresnet.data.own.standard import standardized

__all__ = ["COLORS", "FITS", "Examples", "Reading", "as_path", "load", "read_examples", "standardized"]
