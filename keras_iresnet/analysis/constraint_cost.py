"""What the bound of the norms costs a training step of a classifier."""

import dataclasses
import statistics

from keras_iresnet import zoo
from keras_iresnet.analysis.benchmark import TrainingStep, in_turns


@dataclasses.dataclass(frozen=True)
class ConstraintCost:
    """Seconds of a step with and without the constraint, in pairs that were run one right after the other.

    Attributes:
        constrained_seconds: of each pair.
        vanilla_seconds: of each pair.
    """

    constrained_seconds: tuple[float, ...]
    vanilla_seconds: tuple[float, ...]

    @property
    def ratios(self):
        """How many times as long the constrained step took, for each pair."""
        return tuple(a / b for a, b in zip(self.constrained_seconds, self.vanilla_seconds, strict=True))

    def summary(self):
        """Medians and ranges, JSON only."""
        found = {
            "constrained_step_seconds": self.constrained_seconds,
            "vanilla_step_seconds": self.vanilla_seconds,
            "ratio": self.ratios,
        }
        medians = {name: statistics.median(values) for name, values in found.items()}
        ranges = {f"{name}_range": [min(values), max(values)] for name, values in found.items()}
        return {"pairs": len(self.ratios), **medians, **ranges}


def constraint_cost(name="cifar10_classifier", *, batch_size=64, pairs=15) -> ConstraintCost:
    """Time training steps of a classifier with its default `coeff` and with none, in turn, in this process.

    Args:
        name: of the classifier in the zoo.
        batch_size: images in a step; they are noise.
        pairs: how often each is timed.
    """
    builder = zoo.get(name).builder
    steps = {label: TrainingStep(builder(seed=0, **options), batch_size) for label, options in _FORMS.items()}
    seconds = in_turns(steps, pairs)
    return ConstraintCost(seconds["constrained"], seconds["vanilla"])


_FORMS = {"constrained": {}, "vanilla": {"coeff": None}}
