"""Training by a recipe: the folder of a run, its settings, state, schedule, progress, devices, and `train` itself.

Imported by what works on runs (`commands`, `studies`, `benchmarks`); knows models, the zoo, `evaluation` and `data`.
"""

from keras_iresnet.runs.fields import Field, fields
from keras_iresnet.runs.run_folder import RunFolder
from keras_iresnet.runs.settings import Settings, resolve
from keras_iresnet.runs.state.save_state import TerminatedError
from keras_iresnet.runs.train import train

__all__ = ["Field", "RunFolder", "Settings", "TerminatedError", "fields", "resolve", "train"]
