"""Timings in turn: what several ways to the same result take, each right after the other, so that drifts cancel."""

import concurrent.futures
import dataclasses
import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

_made: Any = None  # in a process of its own: what it times


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Seconds that several ways take, timed in turn: each time one right after the other.

    Attributes:
        seconds: label -> seconds of each time; the first label is what the others are compared with.
    """

    seconds: dict[str, tuple[float, ...]]

    @property
    def ratios(self) -> dict[str, tuple[float, ...]]:
        """Label of each but the first -> how many times as long as the first it took, each time."""
        first, *others = self.seconds
        return {
            label: tuple(a / b for a, b in zip(self.seconds[label], self.seconds[first], strict=True))
            for label in others
        }

    def summary(self) -> dict[str, Any]:
        """Medians and ranges, JSON only."""
        first = next(iter(self.seconds))
        found = {f"{label}_seconds": seconds for label, seconds in self.seconds.items()}
        found |= {f"{label}_over_{first}": ratios for label, ratios in self.ratios.items()}
        medians = {name: statistics.median(values) for name, values in found.items()}
        ranges = {f"{name}_range": [min(values), max(values)] for name, values in found.items()}
        return {"pairs": len(self.seconds[first]), **medians, **ranges}


def in_turns(contenders: Mapping[str, Callable[[], float]], pairs: int, warm_up: int = 2) -> Comparison:
    """Time several contenders in turn.

    The order changes each time, so that neither a drift of the machine nor the order favours one.

    Args:
        contenders: label -> what does it once, and returns its seconds.
        pairs: how often each is timed.
        warm_up: how often each is called before.

    Example:
    >>> from keras_iresnet.benchmarks.turns import in_turns
    >>> in_turns({"one": lambda: 1.0, "two": lambda: 2.0}, pairs=3).summary()["two_over_one"]
    2.0
    """
    for _ in range(warm_up):
        for contender in contenders.values():
            contender()
    seconds: dict[str, list[float]] = {label: [] for label in contenders}
    for pair in range(pairs):
        for label in contenders if pair % 2 == 0 else reversed(list(contenders)):
            seconds[label].append(contenders[label]())
    return Comparison({label: tuple(times) for label, times in seconds.items()})


class Contender:
    """Something to time in a process of its own, which rests while others are timed.

    Args:
        make: a function of a module, called there once: it returns what is timed, a function without arguments that
            returns when its result is there.
        *arguments: of `make`.

    Attributes:
        facts: what the function returned the first time: of what it does, such as the error that it reaches.
    """

    def __init__(self, make: Callable[..., Callable[[], Any]], *arguments: Any) -> None:
        spawn = multiprocessing.get_context("spawn")  # a forked process would begin with this one's memory
        self._pool = concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn)
        self.facts = self._pool.submit(_make, make, arguments).result()

    def __call__(self) -> float:
        """Do it once; returns its seconds."""
        return self._pool.submit(_timed).result()

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, *error: Any) -> None:
        self._pool.shutdown()


def _make(make, arguments):
    global _made
    _made = make(*arguments)
    return _made()


def _timed():
    begin = time.perf_counter()
    _made()
    return time.perf_counter() - begin


def in_a_process_of_its_own(function: Callable[..., Any], *arguments: Any) -> Any:
    """function(*arguments), in a process that has done nothing else and ends with it."""
    spawn = multiprocessing.get_context("spawn")  # a forked process would begin with this one's memory
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()
