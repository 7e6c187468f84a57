"""Makes of a finished run what others can load: its weights as a preset, and the card that says what they are."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import tempfile
import time
from typing import Any

import numpy as np

from keras_iresnet import zoo
from keras_iresnet.data.licences import licence_of
from keras_iresnet.evaluation.certificate import certify
from keras_iresnet.evaluation.contraction import promises_contraction
from keras_iresnet.evaluation.reconstruction import round_trip
from keras_iresnet.models.files.model_file import kind_of
from keras_iresnet.models.files.preset import METADATA, MODEL, read_metadata
from keras_iresnet.runs.kind import is_conditional
from keras_iresnet.runs.run_data import data_of_run
from keras_iresnet.runs.run_folder import CONFIG, RunFolder
from keras_iresnet.runs.tasks import task_of
from keras_iresnet.runs.tasks.guarantee import certificate_figures
from keras_iresnet.zoo.card import CARD, METRICS, PICTURE, card_text, reached_by, rewrite
from keras_iresnet.zoo.record import read_record
from keras_iresnet.zoo.registry import builders

INVERTED = 100  # test examples that go there and back
SAMPLES = 16  # that are timed
WEIGHTS, CARDS, RECORDS = "keras_iresnet/released", "zoo", "keras_iresnet/zoo/records"  # of the repository
_PICTURES = {
    "samples.png": "Samples of the model, not chosen, at temperature 1",
    "confusion.png": "Confusion matrix of the test split",
}


def release_run(
    run: str | os.PathLike,
    *,
    out: str | os.PathLike,
    name: str | None = None,
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> dict[str, Any]:
    """Write a finished run's best model as a preset with a card: a folder to put on a hub, or to load from.

    Args:
        run: the run folder.
        out: a new or an empty folder, for model.keras, metadata.json, config.json, metrics.json, README.md and
            picture.png.
        name: of what is released; that of the run's model by default.
        dataset: where files of one's own are now, if they were moved.
        data_dir: TFDS data directory.

    Returns:
        What metrics.json of the folder holds, from which its README.md was written.

    Raises:
        ValueError: no run folder, a run that has not ended or was not evaluated, a model that promises contractive
            branches and is not certified, or a folder that holds something.
        OSError: the data cannot be read, or the folder not be written.
    """
    folder, target = RunFolder.open(run), pathlib.Path(out)
    if folder.is_preset:
        raise ValueError(f"`run` must be a run folder. Received: run={str(run)!r}, a preset already")
    config = folder.read_config("overrides", "data", "command", "package_commit", "versions", "machine")
    figures = folder.read_metrics()
    if "total_seconds" not in figures:
        raise ValueError(f"`run` must have ended; `keras-iresnet train --resume` goes on. Received: run={str(run)!r}")
    model = folder.load_best()
    certificate = certify(model)
    if promises_contraction(model) and not certificate.invertible:
        raise ValueError(
            "`run` must have a model whose certificate holds; `keras-iresnet certify RUN --contract` mends it. "
            f"Received: run={str(run)!r}, with the bound {certificate.bound:.4f}"
        )
    splits = data_of_run(
        folder, data_dir=data_dir, labels=task_of(config["name"], config["builder"]).labels, dataset=dataset
    )
    facts = _provenance(folder, config, figures, name)
    facts |= {"certificate": certificate_figures(certificate)} | _measured(model, splits)
    model.save_to_preset(target)
    made = RunFolder(target)
    made.write_json(made.config, _shipped(config))
    picture = next((file for file in _PICTURES if (folder.path / file).is_file()), None)
    if picture:
        shutil.copyfile(folder.path / picture, target / PICTURE)
    facts |= {"picture": _PICTURES.get(picture or ""), "bytes": (target / MODEL).stat().st_size}
    facts |= {"sha256": read_metadata(target)["sha256"]}
    (target / METRICS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    (target / CARD).write_text(card_text(facts), encoding="utf-8")
    return facts


def release_into(
    run: str | os.PathLike,
    *,
    repository: str | os.PathLike,
    name: str | None = None,
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> dict[str, Any]:
    """Put a run's model among those that ship with the package: weights, card, record and tables.

    What was released by that name before is replaced.

    Args:
        run: the run folder.
        repository: a checkout of the package.
        name: of what is released; that of the run's model by default.
        dataset: where files of one's own are now, if they were moved.
        data_dir: TFDS data directory.

    Returns:
        As `release_run`.

    Raises:
        ValueError: no run folder, or another of the reasons of `release_run`, or the repository is no checkout.
        OSError: it cannot be written.
    """
    root = pathlib.Path(repository)
    if missing := [part for part in (WEIGHTS, CARDS, RECORDS) if not (root / part).is_dir()]:
        raise ValueError(f"`repository` must be a checkout of the package. Received: {root}, without {missing[0]}")
    with tempfile.TemporaryDirectory() as made:
        facts = release_run(run, out=pathlib.Path(made) / "preset", name=name, dataset=dataset, data_dir=data_dir)
        weights, card = root / WEIGHTS / facts["name"], root / CARDS / facts["name"]
        for target, files in {weights: (MODEL, METADATA, CONFIG), card: (METRICS, CARD, PICTURE)}.items():
            target.mkdir(exist_ok=True)
            for file in files:
                if (source := pathlib.Path(made) / "preset" / file).exists():
                    shutil.copyfile(source, target / file)
    _write_record(root / RECORDS, facts)
    rewrite(root / CARDS)
    return facts


def _provenance(folder, config, figures, name):
    """What is known of where the weights come from."""
    record, data = zoo.get(config["name"]).record, config["data"]
    machine = config["machine"]
    return {
        "name": name or config["name"],
        "model": config["name"],
        "class": kind_of(folder.load_best()),
        "reference": record.reference if record else None,
        "published": [dataclasses.asdict(one) for one in record.published] if record else [],
        "differs": {field: value for field, value in config["overrides"].items() if field != "dataset"},
        "dataset": {field: data[field] for field in ("name", "train", "validation", "test")},
        "licence": licence_of(data["name"]),
        "commands": [_without_folders(config["command"])],
        "commit": config["package_commit"],
        "machine": ", ".join([f"{machine['cores']} cores of {machine['processor']}", *machine["accelerators"]]),
        "minutes": round(figures["total_seconds"] / 60, 1),
        "training_minutes": round(figures["train_seconds"] / 60, 1),
        **{field: figures[field] for field in ("steps", "epochs", "parameters")},
        "versions": config["versions"],
        "figures": {field: value for field, value in figures.items() if field.startswith("test_")},
    }


def _shipped(config):
    """What others can use of a run's config.json: without the folders of its machine."""
    dataset = config["recipe"]["dataset"]
    if pathlib.Path(dataset).is_absolute():  # a file of one's own
        dataset = pathlib.Path(dataset).name
    kept = ("name", "started", "overrides", "builder", "reading", "fitted", "data", "versions", "package_commit")
    return {
        **{field: config[field] for field in kept if field in config},
        "command": _without_folders(config["command"]),
        "recipe": config["recipe"] | {"dataset": dataset},
    }


def _measured(model, splits):
    """How it goes there and back, and how fast it samples."""
    batch = next(iter(splits.test.batch(INVERTED)))
    examples, condition = batch if isinstance(batch, tuple) else (batch, None)
    condition = condition if is_conditional(model) else None
    figures = round_trip(model, examples, seed=0, condition=condition).figures._asdict()
    sampling = None
    if hasattr(model, "sample"):
        options = {"condition": np.arange(SAMPLES) % model.condition_size} if is_conditional(model) else {}
        seconds = []
        for seed in range(2):
            started = time.perf_counter()
            np.asarray(model.sample(SAMPLES, seed, **options))
            seconds.append(round(time.perf_counter() - started, 4))
        sampling = {"samples": SAMPLES, "first_seconds": seconds[0], "seconds": seconds[1]}
    return {
        "inverse_examples": len(examples),
        "inverse": {field: value if np.isfinite(value) else None for field, value in figures.items()},
        "sampling": sampling,
    }


def _without_folders(command):
    """A command without the folders of the machine that it was typed on, which tell nothing."""
    return re.sub(r" --(data-dir|out) ('[^']*'|\S+)", "", command)


def _write_record(folder, facts):
    """Put the figures into the record of the model, where they are of its recipe's own sizes."""
    file = folder / f"{facts['model']}.json"
    built = set(facts["differs"]) - {field.name for field in dataclasses.fields(zoo.Recipe)}
    if not file.is_file() or built or facts["model"] in builders():
        return
    record = read_record(file)
    new = {(one.metric, one.dataset, one.split): one for one in reached_by(facts)}
    reached = []
    for old in record.reached:
        one = new.pop((old.metric, old.dataset, old.split), None)
        reached.append(dataclasses.replace(one, yardstick=old.yardstick) if one else old)
    content = dataclasses.asdict(dataclasses.replace(record, reached=(*reached, *new.values())))
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
