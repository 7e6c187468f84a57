"""A trained model as a folder: `model.keras`, and `metadata.json` with its checksum; those that ship with the package.

metadata.json   format, format version, class, parameters, versions, date, SHA-256 of model.keras
model.keras     the model without its optimizer
"""

import datetime
import hashlib
import importlib.metadata
import json
import os
import pathlib
from typing import Any

import keras

from keras_iresnet.models.base import InvertibleModel
from keras_iresnet.models.convergence import converge_norms, take_as_converged
from keras_iresnet.models.files.model_file import kind_of, load_checkpoint
from keras_iresnet.models.files.replacing import replacing_folder

RELEASED = pathlib.Path(__file__).parents[2] / "released"  # one folder a model; no room of code
FORMAT, FORMAT_VERSION = "keras_iresnet preset", 1
HUB = "hf://"
MODEL, METADATA = "model.keras", "metadata.json"


def released_names(folder: str | os.PathLike | None = None) -> list[str]:
    """Names of the models whose weights ship with the package, sorted.

    Args:
        folder: another folder of presets than that of the package.

    Example:
    >>> from keras_iresnet.models.files.preset import released_names
    >>> released_names("nowhere")
    []
    """
    return sorted(
        file.parent.name for file in pathlib.Path(RELEASED if folder is None else folder).glob(f"*/{METADATA}")
    )


def released_folder(name: str | os.PathLike) -> pathlib.Path:
    """Where the package keeps the released model of this name."""
    return RELEASED / name


def save_preset(model: InvertibleModel, folder: str | os.PathLike) -> None:
    """Write a model as a preset: what `InvertibleModel.save_to_preset` does."""
    folder = pathlib.Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"`preset_dir` must be a new or an empty folder. Received: preset_dir={str(folder)!r}")
    keras.saving.serialize_keras_object(model)  # what cannot be saved is refused before a folder is made
    with replacing_folder(folder) as whole:
        _without_optimizer(model).save(whole / MODEL)
        (whole / METADATA).write_text(json.dumps(_metadata(model, whole / MODEL), indent=2) + "\n")


def load_preset(preset: str | os.PathLike, kind: type = InvertibleModel) -> Any:
    """The model of a preset: what `InvertibleModel.from_preset` does; `kind` is the class that it must be of."""
    folder = _folder(preset)
    metadata = read_metadata(folder)
    file = folder / MODEL
    found = file_digest(file) if file.is_file() else "no such file"
    if found != metadata["sha256"]:
        raise ValueError(
            f"{file} must be the file that was saved, of SHA-256 {metadata['sha256']}: it is damaged or another. "
            f"Received: {found}"
        )
    model = load_checkpoint(file)
    if not isinstance(model, kind):
        raise ValueError(f"`preset` must hold a {kind.__name__}. Received: {folder}, of a {kind_of(model)}")
    return model


def read_metadata(folder: str | os.PathLike) -> dict[str, Any]:
    """What metadata.json of a preset's folder holds.

    Raises:
        ValueError: the folder is no preset, or one that a newer version wrote.
    """
    file = pathlib.Path(folder) / METADATA
    if not file.is_file():
        raise ValueError(
            f"`preset` must be a folder as `save_to_preset` makes it. Received: {folder}, without {METADATA}"
        )
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} must hold JSON in UTF-8. Received: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or "sha256" not in content:
        raise ValueError(f"{file} must be of a {FORMAT}. Received: {str(content)[:80]}")
    if content.get("format_version") not in range(1, FORMAT_VERSION + 1):
        raise ValueError(
            f"{file} must have a format version up to {FORMAT_VERSION}: a newer keras_iresnet wrote it, update yours. "
            f"Received: format_version={content.get('format_version')!r}"
        )
    return content


def file_digest(path: str | os.PathLike) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder(preset):
    """The folder that is meant: of a released model, from the hub, or a path."""
    text = os.fspath(preset)
    if text in released_names():
        return released_folder(text)
    if text.startswith(HUB):
        return _from_hub(text.removeprefix(HUB))
    if pathlib.Path(text).is_dir():
        return pathlib.Path(text)
    names = ", ".join(released_names()) or "none so far"
    raise ValueError(
        f"`preset` must be a folder, {HUB}USER/NAME or a released model ({names}). Received: preset={text!r}"
    )


def _from_hub(repository):
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(f"{HUB} needs huggingface_hub: pip install huggingface_hub") from error
    return pathlib.Path(huggingface_hub.snapshot_download(repository, allow_patterns=[MODEL, METADATA]))


def _without_optimizer(model):
    """The same model, not compiled: whoever takes it up may train it by other means."""
    converge_norms(model)
    twin = type(model).from_config(model.get_config())
    twin.set_weights(model.get_weights())
    take_as_converged(twin)
    return twin


def _metadata(model, file):
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "class": kind_of(model),
        "parameter_count": model.count_params(),
        "keras_version": keras.__version__,
        "keras_iresnet_version": importlib.metadata.version("keras-iresnet"),
        "date_saved": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "sha256": file_digest(file),
    }
