"""Several densities on the same data and budget, in one table: what `keras-iresnet compare` does.

Imported by the command line and by users; knows runs and all below them, `benchmarks`, `studies` and `data`.
"""

from keras_iresnet.comparison.compare import Comparison, compare
from keras_iresnet.comparison.contestants import contestants

__all__ = ["Comparison", "compare", "contestants"]
