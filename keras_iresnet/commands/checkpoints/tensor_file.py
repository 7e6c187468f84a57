"""Reads names and tensors from a file of PyTorch or of safetensors, and nothing that could be run."""

import os
import pathlib
import pickle
import struct
from typing import Any

import numpy as np

SAFE = ".safetensors"
_NESTED = "state_dict"  # what a checkpoint of training calls the weights
_MISSING = "{what} need {package}, which is not installed: pip install 'keras-iresnet[torch]'. Received: {path}"


def read_tensors(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Name -> array, float32 at least where it holds fractions.

    Args:
        path: a file that `torch.save` wrote, of a state dict or of a dictionary that has one as `"state_dict"`; or one
            that ends in `.safetensors`. Of the former nothing but tensors and plain containers is unpickled.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is cut short or damaged, or holds objects, whose code would have to be run, or no state dict; or
            the package that reads it is not installed.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"`checkpoint` must be a file. Received: checkpoint={str(path)!r}, which is not there")
    return _read_safetensors(path) if path.suffix == SAFE else _read_torch(path)


def _read_safetensors(path):
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ValueError(_MISSING.format(what="These files", package="safetensors", path=path)) from error
    try:
        found = safetensors.numpy.load(path.read_bytes())
    except (safetensors.SafetensorError, struct.error, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must be a whole file of safetensors. Received: {error!r}") from error
    return {name: _wide(array) for name, array in found.items()}


def _read_torch(path):
    try:
        import torch
    except ImportError as error:
        raise ValueError(_MISSING.format(what="Files of PyTorch", package="torch", path=path)) from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} must hold tensors alone: what else it holds would have to be run to be read. Save its state dict "
            f"where it can be trusted, by torch.save(model.state_dict(), FILE). Received: {_first_line(error)}"
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} must be a whole file of PyTorch. Received: {_first_line(error)}") from error
    return {name: _array(torch, tensor) for name, tensor in _state_dict(torch, found, path).items()}


def _state_dict(torch: Any, found: Any, path: pathlib.Path) -> dict[str, Any]:
    """The dictionary of tensors in what a file holds."""
    if isinstance(found, dict) and isinstance(found.get(_NESTED), dict):
        found = found[_NESTED]
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and torch.is_tensor(tensor) for name, tensor in found.items()
    ):
        what = f"a {type(found).__name__}"
        if isinstance(found, dict):
            others = [name for name, value in found.items() if not (isinstance(name, str) and torch.is_tensor(value))]
            what = f"a dictionary in which {', '.join(map(repr, others[:5]))} is none"
        raise ValueError(f"{path} must hold a state dict, whose values are tensors. Received: {what}")
    return found


def _array(torch, tensor):
    tensor = tensor.detach()
    return (tensor.float() if tensor.is_floating_point() and tensor.dtype != torch.float64 else tensor).numpy()


def _wide(array):
    """Fractions in float32 at least."""
    return array.astype(np.result_type(array, np.float32)) if np.issubdtype(array.dtype, np.floating) else array


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]
