"""What can be done with a finished run or a released model, one file a verb.

The command line and `scripts/` call these; they know `runs` and all below it, and neither each other nor `studies`.
"""

from keras_iresnet.commands.certify import certify_run, contract_run, draw_certificate
from keras_iresnet.commands.checkpoint_import import import_checkpoint
from keras_iresnet.commands.evaluate import evaluate_run
from keras_iresnet.commands.export import export_run
from keras_iresnet.commands.interpolate import interpolate_run
from keras_iresnet.commands.reconstruct import reconstruct_run
from keras_iresnet.commands.release import release_into, release_run
from keras_iresnet.commands.sample import sample_run
from keras_iresnet.commands.score import score_run

__all__ = [
    "certify_run",
    "contract_run",
    "draw_certificate",
    "evaluate_run",
    "export_run",
    "import_checkpoint",
    "interpolate_run",
    "reconstruct_run",
    "release_into",
    "release_run",
    "sample_run",
    "score_run",
]
