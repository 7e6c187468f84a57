"""The files of a TFDS data set: read through once before they are used, and named where they are damaged."""

import json
import os
import pathlib
from collections.abc import Collection
from typing import Any

import tensorflow as tf

_SPLITS = ("train", "validation", "test")  # what is read of a data set
_BUFFER, _BATCH = 2**20, 256  # bytes, and records, that are read at a time
_DESCRIPTION, _FEATURES = "dataset_info.json", "features.json"


def check_whole(builder: Any, again: str, needed: Collection[str] = ()) -> None:
    """Refuse a data set of whose files one is gone, cut short or damaged.

    TensorFlow tells so only when it comes to that record, which may be at the end of a training, and names no file. All
    are read once, without decoding an image: about 6 s of one core for the million images of ImageNet32.

    Args:
        builder: TFDS's, of a data set that is prepared.
        again: the command that prepares it anew.
        needed: names of splits that it must have.

    Raises:
        OSError: one is; the message names it.
    """
    folder, found = builder.data_path, set(builder.info.splits)
    if not found.issuperset(needed):
        raise damaged(builder.name, folder, again, f"{_DESCRIPTION} with the splits {', '.join(sorted(found))}")
    try:
        counts = _expected_counts(builder)
    except (ValueError, LookupError) as error:  # of a pattern of names that is none
        raise damaged(builder.name, folder, again, f"{_DESCRIPTION}, which names no files ({error})") from error
    for path in counts:
        if not os.path.isfile(path):
            raise damaged(builder.name, folder, again, f"no {path.name}")
    if builder.info.file_format.value != "tfrecord":
        return
    paths = [str(path) for path in counts]
    records = iter(tf.data.Dataset.from_tensor_slices(paths).map(_count, num_parallel_calls=tf.data.AUTOTUNE))
    for path, count in counts.items():
        try:
            held = int(next(records))
        except tf.errors.OpError as error:
            what = "cut short or damaged" if isinstance(error, tf.errors.DataLossError) else error.message
            raise damaged(builder.name, folder, again, f"{path.name}, which is {what}") from error
        if held != count:
            raise damaged(builder.name, folder, again, f"{path.name} with {held:,} of its {count:,} images")


def damaged(name: str, folder: str | os.PathLike, again: str, received: object) -> OSError:
    """What to raise of a data set that has to be prepared once more."""
    return OSError(
        f"The files of the TFDS data set {name} must be whole. Delete the folder {folder} and prepare them anew; those "
        f"of a data set that TFDS knows, where there is a network, by: {again}. Received: {received}"
    )


def descriptions(folder: str | os.PathLike) -> list[pathlib.Path]:
    """What TFDS wrote of the versions, or of the configs and their versions, that a folder holds."""
    return [
        file for depth in ("", "*/", "*/*/") for file in sorted(pathlib.Path(folder).glob(f"{depth}{_DESCRIPTION}"))
    ]


def fault_of(folder: str | os.PathLike, error: Exception) -> str:
    """Which description of a folder is no JSON, or not there; else what TFDS says of it."""
    for description in descriptions(folder):
        if not (features := description.with_name(_FEATURES)).is_file():
            return f"no {features}"
        for file in sorted(description.parent.glob("*.json")):
            try:
                json.loads(file.read_bytes())
            except ValueError as reason:
                return f"{file}, which is cut short or damaged ({reason})"
    return str(error).partition("\n")[0] or type(error).__name__


def _expected_counts(builder):
    """File -> how many examples it holds; a split's empty shards have none."""
    splits = [info for name, info in builder.info.splits.items() if name in _SPLITS]
    shards = [shard for info in splits for shard in zip(info.filepaths, info.shard_lengths, strict=True)]
    return {pathlib.Path(path): count for path, count in shards if count}


def _count(path):
    """How many records a file has; each is compared with its checksum."""
    records = tf.data.TFRecordDataset(path, buffer_size=_BUFFER).batch(_BATCH)
    return records.reduce(tf.constant(0, tf.int64), lambda count, some: count + tf.size(some, tf.int64))
