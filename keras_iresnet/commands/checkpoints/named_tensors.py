"""The tensors of a checkpoint, each to be asked for once: what nobody asks for is named."""

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

_SHOWN = 8


class NamedTensors:
    """Tensors by name, and which of them have found a place.

    Args:
        tensors: name -> array; where all names begin with `module.`, as those of `DataParallel` do, it is left out.

    Example:
    >>> import numpy as np
    >>> from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
    >>> tensors = NamedTensors({"module.bias": np.ones(3), "module.extra": np.ones(1)})
    >>> tensors.take("bias", 3).tolist()
    [1.0, 1.0, 1.0]
    >>> tensors.check_all_taken()
    Traceback (most recent call last):
    ValueError: Every tensor of the checkpoint must have its place in the model. Received: 1 without, extra (1,)
    """

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        wrapped = bool(tensors) and all(name.startswith("module.") for name in tensors)
        self._tensors = {name.removeprefix("module.") if wrapped else name: value for name, value in tensors.items()}
        self._left = dict.fromkeys(self._tensors)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor; it has no place yet.

        Raises:
            ValueError: there is none of this name.
        """
        return self._get(name).shape

    def numbers(self, pattern: str) -> list[int]:
        """The numbers that the group of a pattern is in the names that match, rising.

        Raises:
            ValueError: no name matches.
        """
        found = sorted(int(match[1]) for name in self if (match := re.fullmatch(pattern, name)))
        if not found:
            raise ValueError(f"The checkpoint must hold names such as {pattern}. Received: none")
        return found

    def take(self, name: str, *shape: int) -> np.ndarray:
        """A tensor in float64, which has found its place.

        Args:
            name: its name.
            *shape: the shape that it must have; of `-1` any side.

        Raises:
            ValueError: there is none of this name, it has another shape, or holds values that are not finite.
        """
        value = self._get(name)
        fits = len(value.shape) == len(shape) and all(
            side in (-1, found) for side, found in zip(shape, value.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if side == -1 else str(side) for side in shape)
            raise ValueError(f"`{name}` of the checkpoint must have the shape ({wanted}). Received: {value.shape}")
        if not np.isfinite(value).all():
            raise ValueError(f"`{name}` of the checkpoint must be finite. Received: {_not_finite(value)} others")
        self._left.pop(name, None)
        return value.astype(np.float64)

    def leave_out(self, names: Iterable[str]) -> None:
        """Say that these, where they are there, have no place in a model that is not trained on."""
        for name in names:
            self._left.pop(name, None)

    def check_all_taken(self) -> None:
        """Refuse a checkpoint that holds more than was asked for.

        Raises:
            ValueError: it does; the message names what.
        """
        if self._left:
            shown = ", ".join(f"{name} {self._tensors[name].shape}" for name in [*self._left][:_SHOWN])
            more = f" and {len(self._left) - _SHOWN} more" if len(self._left) > _SHOWN else ""
            raise ValueError(
                "Every tensor of the checkpoint must have its place in the model. "
                f"Received: {len(self._left)} without, {shown}{more}"
            )

    def _get(self, name):
        if name not in self._tensors:
            raise ValueError(f"The checkpoint must hold `{name}`. Received: none of that name")
        return self._tensors[name]


def _not_finite(value):
    return int((~np.isfinite(value)).sum())
