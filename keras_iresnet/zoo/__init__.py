"""Ready models: `keras_iresnet.zoo.digits_flow()` builds one, `list()` names them all.

Each file of `flows` and `classifiers` holds builders, whose keywords are a model's sizes, and beside them the recipes
that train them; what was reached is data, in `records`. Knows `models` and all below them, and no run.
"""

from keras_iresnet.zoo import classifiers as _classifiers
from keras_iresnet.zoo import flows as _flows
from keras_iresnet.zoo import rivals as _rivals
from keras_iresnet.zoo.classifiers import *
from keras_iresnet.zoo.flows import *
from keras_iresnet.zoo.recipe import Recipe
from keras_iresnet.zoo.record import Record, read_record
from keras_iresnet.zoo.registry import Entry, builders, get, list, register
from keras_iresnet.zoo.released import load, released
from keras_iresnet.zoo.rivals import *

__all__ = ["Entry", "Recipe", "Record", "builders", "get", "list", "load", "read_record", "register", "released"]
__all__ += _classifiers.__all__
__all__ += _flows.__all__
__all__ += _rivals.__all__
