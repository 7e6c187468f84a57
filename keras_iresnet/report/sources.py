"""What exhibits are made from: released weights with their data, and recorded runs."""

import dataclasses
import functools
import hashlib
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from keras_iresnet import data, zoo
from keras_iresnet.data import tfds_images
from keras_iresnet.models.files.preset import RELEASED, file_digest, load_preset, read_metadata, released_names
from keras_iresnet.report.recorded_runs import COMMANDS, RECORDED, Recorded, read_recorded
from keras_iresnet.runs.held_out import HeldOut, draw_images
from keras_iresnet.zoo.record import Reached


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a released model comes from.

    Args:
        model: of the zoo, that is trained.
        dataset: that it is trained on.
        options: of `keras-iresnet train` beside the data set.
    """

    model: str
    dataset: str
    options: str = ""

    def command(self, name: str) -> str:
        """What trains it, to be pasted.

        Example:
        >>> from keras_iresnet.report.sources import SOURCES
        >>> SOURCES["toy_flow_moons"].command("toy_flow_moons")
        'keras-iresnet train toy_flow --dataset toy/moons --out runs/toy_flow_moons'
        """
        chosen = "" if self.model == name else f" --dataset {self.dataset}"
        return f"keras-iresnet train {self.model}{chosen}{self.options} --out runs/{name}"


SOURCES = {
    "toy_flow_8gaussians": Source("toy_flow", "toy/8gaussians"),
    "toy_flow_checkerboard": Source("toy_flow", "toy/checkerboard"),
    "toy_flow_moons": Source("toy_flow", "toy/moons"),
    "digits_flow": Source("digits_flow", "digits"),
    "digits_flow_conditional": Source("digits_flow", "digits", " --conditional true"),
    "hybrid_classifier": Source("hybrid_classifier", "digits"),
    "mnist_flow_small": Source("mnist_flow_small", "mnist"),
    "fashion_mnist_flow_small": Source("fashion_mnist_flow_small", "fashion_mnist"),
    "digits_classifier": Source("digits_classifier", "digits"),
    "mnist_classifier_small": Source("mnist_classifier_small", "mnist"),
}


def records_on(model: str, dataset: str) -> tuple[Reached, ...]:
    """Figures with a standard error that the record of a model of the zoo has on one data set."""
    record = zoo.get(model).record
    return record.on(dataset) if record else ()


class Sources:
    """Released models, their data, and recorded runs.

    Args:
        weights: folder of presets, as `keras-iresnet release` writes them, in place of those of the package.
        data_dir: TFDS data directory.
        seed: of the choice of images, of noise and of samples.
        recorded: folder of recorded runs.

    Attributes:
        model: function of a released model's name to the model.
        splits: function of the same to its data, with labels of images.

    Raises:
        ValueError: `weights` holds no presets of released models' names.
    """

    def __init__(
        self,
        *,
        weights: str | os.PathLike | None = None,
        data_dir: str | os.PathLike | None = None,
        seed: int = 0,
        recorded: str | os.PathLike = RECORDED,
    ) -> None:
        self.weights = pathlib.Path(RELEASED if weights is None else weights)
        self.data_dir, self.seed = data_dir, seed
        self._recorded = pathlib.Path(recorded)
        self.model = functools.cache(self._model)
        self.splits = functools.cache(self._splits)
        self._there = [name for name in released_names(self.weights) if name in SOURCES]
        if weights is not None and not self._there:
            raise ValueError(
                f"`weights` must be a folder of presets called as released models: {', '.join(SOURCES)}. "
                f"Received: weights={str(weights)!r}, with {', '.join(released_names(weights)) or 'none'}"
            )

    def missing(self, names: Sequence[str]) -> dict[str, str]:
        """Which of some released models are not to be had, and how one gets them: name -> command, or words."""
        return {name: text for name in names if (text := self._missing(name)) is not None}

    def available(self, names: Sequence[str]) -> list[str]:
        """Which of some released models there are, with their data, in the order given."""
        return [name for name in names if self._missing(name) is None]

    def _missing(self, name):
        source = SOURCES[name]
        if name not in self._there:
            return source.command(name)
        if source.dataset in tfds_images.names() and not tfds_images.is_prepared(source.dataset, self.data_dir):
            return f"its weights are there, its data are not: --data-dir FOLDER, with TFDS's {source.dataset}"
        return None

    def _model(self, name: str) -> Any:
        """A released model."""
        return load_preset(self.weights / name)

    def _splits(self, name: str) -> data.Splits:
        """The data of a released model, with labels of images where there are any."""
        source = SOURCES[name]
        labels = source.dataset in ("digits", *tfds_images.names())
        return data.load(source.dataset, data_dir=self.data_dir, **({"labels": True} if labels else {}))

    def images(self, name: str, n: int) -> HeldOut:
        """`n` different test images of a released model's data, with their labels."""
        return draw_images(self.splits(name), n, seed=self.seed)

    def told(self, name: str) -> str:
        """Where the weights of a released model are from, and what its record says that it reached."""
        if self.weights != RELEASED:
            return f"{name} of the given weights"
        source = SOURCES[name]
        reached = records_on(source.model, source.dataset)
        if not reached:
            return f"released {name}"
        figures = ", ".join(f"{one} on {one.examples:,} {one.split} examples" for one in reached if one.examples)
        first = reached[0]
        made = f"{' && '.join(first.commands)} (commit {first.commit and first.commit[:7]}, {first.machine})"
        return f"released {name}, by {made}; its record: {figures}"

    def recorded(self, name: str) -> Recorded:
        """A recorded run."""
        return read_recorded(self._recorded / name)

    def recorded_there(self, names: Sequence[str]) -> list[str]:
        """Which of some recorded runs there are."""
        return [name for name in names if (self._recorded / f"{name}.json").is_file()]

    def not_recorded(self, names: Sequence[str]) -> dict[str, str]:
        """Which of some recorded runs there are not, and what makes them: name -> commands."""
        return {
            name: f"{COMMANDS[name]} && python scripts/record.py PATH --name {name} --command COMMAND"
            for name in names
            if name not in self.recorded_there(names)
        }

    def digest(
        self, released: Sequence[str], recorded: Sequence[str], records: Sequence[str] | None = ()
    ) -> dict[str, str]:
        """What something made of these depends on: name -> SHA-256 of weights, of recorded runs' files, of records.

        Args:
            released: released models, whose own records count, too.
            recorded: recorded runs.
            records: models of the zoo whose records it has figures of; `None` for all.
        """
        there = self.available(released)
        weights = {f"weights {name}": read_metadata(self.weights / name)["sha256"] for name in there}
        files = [self._recorded / f"{name}{end}" for name in self.recorded_there(recorded) for end in (".json", ".npz")]
        runs = {f"run {file.name}": file_digest(file) for file in files if file.is_file()}
        models = {*(SOURCES[name].model for name in there), *(zoo.list() if records is None else records)}
        return weights | runs | {f"record {name}": _record_digest(name) for name in sorted(models)}


def _record_digest(name):
    """Of what the process has read of a record, which is what it shows."""
    record = zoo.get(name).record
    content = None if record is None else dataclasses.asdict(record)
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
