"""Passes over held-out data: batches of examples, a seed for every draw, a bar for who waits."""

import collections
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import rich.console
import rich.progress
import tensorflow as tf


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A `tf.function` made for one model, of which a process may make many.

    TensorFlow counts traces by the code of a function, and warns of many; a partial counts for itself.
    """
    return tf.function(functools.partial(function), autograph=False, reduce_retracing=True)


def as_batches(
    dataset: Any, event_shape: Sequence[int], batch_size: int, *, conditional: bool = False
) -> tf.data.Dataset:
    """A data set or arrays as batches (batch, *event_shape), where `conditional` in pairs with their conditions.

    Raises:
        ValueError: examples of another shape, or with labels where there should be none, or the other way round.
    """
    if not isinstance(dataset, tf.data.Dataset):
        parts = dataset if isinstance(dataset, tuple) else np.asarray(dataset)
        dataset = tf.data.Dataset.from_tensor_slices(parts)
    spec = dataset.element_spec
    if isinstance(spec, tf.TensorSpec) == conditional:
        what = "pairs (examples, conditions)" if conditional else "examples alone, without labels"
        raise ValueError(f"`dataset` must give {what}. Received: element_spec={spec}")
    if tf.nest.flatten(spec)[0].shape.rank == len(event_shape):
        dataset = dataset.batch(batch_size)
    shape = tf.nest.flatten(dataset.element_spec)[0].shape[1:]
    if tuple(shape) != tuple(event_shape):
        raise ValueError(f"`dataset` must hold examples of shape {tuple(event_shape)}. Received: shape={tuple(shape)}")
    return dataset


def draw_seed(*numbers: int) -> tf.Tensor:
    """A seed for TensorFlow's stateless functions, (2,) int32, as good as independent for other numbers."""
    state = np.random.SeedSequence([number % 2**32 for number in numbers]).generate_state(2)
    return tf.constant(state.view(np.int32))


def evaluated(function: Callable[..., Any], batches: Any) -> Iterator[Any]:
    """function(index, batch) for every batch, in their order, computed two at a time.

    A series of matrix products, each of the result before, leaves cores without work; the next batch takes them.
    """
    with ThreadPoolExecutor(2) as pool:
        ahead: collections.deque[Future] = collections.deque()
        for index, batch in enumerate(batches):
            ahead.append(pool.submit(function, index, batch))
            if len(ahead) > 2:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


class Bar:
    """A bar on standard error, where someone watches, over one or several passes; a context manager.

    Args:
        batches: `tf.data.Dataset`.
        shown: whether to show it.
    """

    def __init__(self, batches: Any, shown: bool) -> None:
        console = rich.console.Console(stderr=True)
        self._progress = rich.progress.Progress(
            *rich.progress.Progress.get_default_columns(),
            rich.progress.TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )
        self._batches = int(batches.cardinality())  # negative where it is not known
        self._task = self._progress.add_task("evaluating", total=max(0, self._batches) or None)
        self._seen = 0

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *_):
        self._progress.stop()

    def tracked(self, results: Iterable[Any]) -> Iterator[Any]:
        """The results of the batches, each counted as it comes."""
        for result in results:
            yield result
            self._seen += 1
            self._progress.update(self._task, completed=self._seen)

    def passes(self, count: int) -> None:
        """Now, after the first pass, it is known how many there are in all."""
        self._progress.update(self._task, total=count * self._seen, description=f"evaluating {count} times")
