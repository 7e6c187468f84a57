"""What training a density, a classifier or both do not share: data, figures, pictures.

Imported by `runs.train` and `commands.evaluate`; knows models, `evaluation` and the zoo.
"""

from collections.abc import Mapping
from typing import Any

from keras_iresnet import zoo
from keras_iresnet.runs.tasks.classification_task import ClassificationTask
from keras_iresnet.runs.tasks.conditional_task import ConditionalTask
from keras_iresnet.runs.tasks.density_task import DensityTask
from keras_iresnet.runs.tasks.joint_task import HybridTask
from keras_iresnet.runs.tasks.task import Task

_TASKS: dict[str, Task] = {"density": DensityTask(), "classification": ClassificationTask(), "hybrid": HybridTask()}


def task_of(name: str, keywords: Mapping[str, Any]) -> Task:
    """The task of the model of the zoo called `name`, built with `keywords`.

    Example:
    >>> from keras_iresnet.runs.tasks import task_of
    >>> task_of("digits_flow", {}).labels, task_of("digits_flow", {"conditional": True}).labels
    (False, True)
    """
    return ConditionalTask() if keywords.get("conditional") else _TASKS[zoo.get(name).task]
