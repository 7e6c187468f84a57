"""Where a run computes: one device, or replicas of the model on several."""

import contextlib
from collections.abc import Sequence

import tensorflow as tf


def scope(devices: Sequence[str] | None = None):
    """Context in which to build and compile a model.

    Args:
        devices: names such as `"GPU:0"`; several give one replica on each (`tf.distribute.MirroredStrategy`).
            By default all visible GPUs, or the CPU.

    Raises:
        ValueError: there is no such device; the message lists those there are.
    """
    gpus = _names("GPU")
    if devices is None:
        return _mirrored(gpus) if len(gpus) > 1 else contextlib.nullcontext()
    devices = list(devices)
    known = _names("CPU") + gpus
    if not devices or len(set(devices)) < len(devices) or set(devices) - set(known):
        raise ValueError(f"`devices` must be distinct names out of {', '.join(known)}. Received: devices={devices}")
    if len(devices) > 1:
        return _mirrored(devices)
    # Keras compiles with XLA on one GPU, but never under a strategy: name a strategy only where one is needed.
    return (
        contextlib.nullcontext()
        if devices == (gpus or known)[:1]
        else tf.distribute.OneDeviceStrategy(devices[0]).scope()
    )


def _mirrored(devices):
    return tf.distribute.MirroredStrategy(devices).scope()


def _names(kind):
    return [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices(kind)]
