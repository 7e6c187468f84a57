"""What is known of a user's own data beside the examples: names, and a digest."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self


@dataclasses.dataclass(frozen=True)
class Description:
    """What a run records of its data, for later commands to use and to compare.

    Args:
        class_names: name of each class, in the order of the labels; empty where there are none.
        columns: name of each number of an example of a table; empty for what is no table.
        condition_columns: the columns that a density is conditioned on.
        label_column: the column of a table that holds the class.
        positive: the columns that are above 0.
        bounds: column that is bounded -> its lower and its upper bound.
        condition_mean: mean of each number that a density is conditioned on, over the training examples, which was
            taken off.
        condition_deviation: its standard deviation, by which it was divided.
        grids: column that was dequantised -> the smallest step between its values.
        digest: SHA-256 of what was read, which changes if a file does.
        skipped: files that could not be read and were left out.

    Example:
    >>> from keras_iresnet.data import Description
    >>> Description(columns=("age", "height")).as_json()
    {'columns': ['age', 'height']}
    """

    class_names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    condition_columns: tuple[str, ...] = ()
    label_column: str | None = None
    positive: tuple[str, ...] = ()
    bounds: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    condition_mean: tuple[float, ...] = ()
    condition_deviation: tuple[float, ...] = ()
    grids: Mapping[str, float] = dataclasses.field(default_factory=dict)
    digest: str | None = None
    skipped: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What is known, as JSON holds it; what is not is left out."""
        known = {name: value for name, value in vars(self).items() if value}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The description of which `as_json` was recorded, perhaps among other things."""
        known: dict[str, Any] = {of.name: content[of.name] for of in dataclasses.fields(cls) if of.name in content}
        lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**known | lists)
