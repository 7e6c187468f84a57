"""Starts TensorFlow when a command needs it, without its lines on standard error."""

import contextlib
import os
import sys

import click


def start_tensorflow_quietly() -> None:
    """Import TensorFlow and let it find its devices, holding its start-up lines back unless that fails.

    Some of them come before TensorFlow reads TF_CPP_MIN_LOG_LEVEL, straight to file descriptor 2.
    """
    if "tensorflow" in sys.modules or click.get_current_context().find_root().params["debug"]:
        return
    with _held_back(2):
        import tensorflow as tf

        from keras_iresnet.runs.machine.full_products import keep_float32

        keep_float32()
        if "TF_CONFIG" not in os.environ:  # several machines are to be joined before any device is used
            from keras_iresnet.runs.machine.threads import settle_threads

            settle_threads()  # once there are devices, it is too late
            tf.config.list_logical_devices()


@contextlib.contextmanager
def _held_back(descriptor):
    """Keep what is written to a file descriptor; let it out only if the body raises."""
    import tempfile  # here, as `--help` does without it

    with tempfile.TemporaryFile() as kept:
        original = os.dup(descriptor)
        os.dup2(kept.fileno(), descriptor)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(original, kept.read())
            raise
        finally:
            os.dup2(original, descriptor)
            os.close(original)
