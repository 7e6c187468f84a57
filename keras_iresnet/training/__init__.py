"""Training a model of the zoo by its recipe, into a run folder."""

from keras_iresnet.training.evaluate import evaluate_run
from keras_iresnet.training.interpolate import interpolate_run
from keras_iresnet.training.reconstruct import reconstruct_run
from keras_iresnet.training.run_folder import RunFolder
from keras_iresnet.training.sample import sample_run
from keras_iresnet.training.save_state import TerminatedError
from keras_iresnet.training.settings import Settings, resolve
from keras_iresnet.training.trace_estimator import trace_estimator_run
from keras_iresnet.training.train import train

__all__ = [
    "RunFolder",
    "Settings",
    "TerminatedError",
    "evaluate_run",
    "interpolate_run",
    "reconstruct_run",
    "resolve",
    "sample_run",
    "trace_estimator_run",
    "train",
]
