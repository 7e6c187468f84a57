"""How models of this package are written and read: whole or not at all, with a version, and refused where damaged."""

import os
from collections.abc import Mapping
from typing import Any, Self

import keras

from keras_iresnet.borrowed.keras_names import weights_as_bytes
from keras_iresnet.models.convergence import converge_norms
from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.models.files.weights_file import ENDING, check_sealed, sealed

FORMAT_VERSION = 1  # of a model's config; files of before have none
_FIELD = "format_version"


class Saved(keras.Model):
    """What a model has to do with files; the first base of those that have weights of their own to keep."""

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.save`, with norms converged; what cannot be saved is refused before a file is opened.

        A `.keras` file that is there is replaced when the new one is whole.
        """
        keras.saving.serialize_keras_object(self)
        converge_norms(self)
        if _is_local(filepath, ".keras") and not args and kwargs.get("overwrite", True):
            with replacing(filepath) as temporary:
                super().save(temporary, **kwargs)
        else:
            super().save(filepath, *args, **kwargs)

    def save_weights(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.save_weights`, with norms converged, and in one `.weights.h5` file a checksum.

        Such a file that is there is replaced when the new one is whole.
        """
        converge_norms(self)
        whole = _is_local(filepath, ENDING) and not args and kwargs.keys() <= {"overwrite"}
        if whole and kwargs.get("overwrite", True):
            with replacing(filepath) as temporary:
                temporary.write_bytes(sealed(weights_as_bytes(self)))
        else:
            super().save_weights(filepath, *args, **kwargs)

    def load_weights(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.load_weights`, after a checksum was compared, where the file has one.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged, no file of weights, one of a newer version, or of another model.
        """
        if not _is_local(filepath, ENDING):
            super().load_weights(filepath, *args, **kwargs)
            return
        if not os.path.isfile(filepath):
            raise FileNotFoundError(f"There must be a file of weights. Received: {str(filepath)!r}, which is not there")
        check_sealed(filepath)
        try:
            super().load_weights(filepath, *args, **kwargs)
        except MemoryError:
            raise
        except Exception as error:  # HDF5 has many words for what it cannot read
            raise ValueError(
                f"The weights must be a whole `{ENDING}` file of a model like this one. Received: {filepath}: {error}"
            ) from error

    def save_to_preset(self, preset_dir: str | os.PathLike) -> None:
        """Write the model, without its optimizer, as a folder that `from_preset` reads, in KerasHub's manner.

        Raises:
            ValueError: `preset_dir` is not new or empty.

        Example:
        >>> import tempfile
        >>> import keras_iresnet as ki
        >>> flow, folder = ki.zoo.toy_flow(blocks=1, units=(8,)), tempfile.mkdtemp()
        >>> flow.save_to_preset(folder)
        >>> again = ki.Flow.from_preset(folder)
        """
        from keras_iresnet.models.files.preset import save_preset  # which knows the models

        save_preset(self, preset_dir)

    @classmethod
    def from_preset(cls, preset: str | os.PathLike) -> Self:
        """The model of a preset, after its checksum was compared; it is not compiled, and no code of the file is run.

        Args:
            preset: a name of `zoo.released()`, a folder that `save_to_preset` wrote, or `hf://USER/NAME`, from the hub.

        Raises:
            ValueError: there is none, it is damaged, of a newer version, or of another class.
        """
        from keras_iresnet.models.files.preset import load_preset

        return load_preset(preset, cls)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {**super().get_config(), _FIELD: FORMAT_VERSION}


def of_known_version(config: Mapping[str, Any]) -> dict[str, Any]:
    """A model's config without its version, if this package can read it.

    Raises:
        ValueError: a newer package wrote it.

    Example:
    >>> from keras_iresnet.models.files.saved import of_known_version
    >>> of_known_version({"bins": 4, "format_version": 1})
    {'bins': 4}
    """
    if (version := config.get(_FIELD, FORMAT_VERSION)) not in range(1, FORMAT_VERSION + 1):
        raise ValueError(
            f"A model's file must have a format version up to {FORMAT_VERSION}: a newer keras_iresnet wrote it, update "
            f"yours. Received: format_version={version!r}"
        )
    return {name: value for name, value in config.items() if name != _FIELD}


def _is_local(filepath, ending):
    return isinstance(filepath, (str, os.PathLike)) and str(filepath).endswith(ending) and "://" not in str(filepath)
