"""A flow as a SavedModel that TensorFlow alone can run."""

import keras
import tensorflow as tf


def export_flow(flow, path, *, verbose=True):
    """Write a SavedModel with two signatures, of which both take their randomness from a seed.

        log_prob(x (batch, *event_shape), seed ()) -> (batch,) nats; x as `fit` takes it, images as integers
        sample(n (), seed ()) -> (n, *event_shape), data space

    Those of a conditional flow take `condition` too, (batch, condition_size) or (n, condition_size).

    Args:
        flow: a `Flow`.
        path: the folder.
        verbose: whether to print what was written.
    """
    dtype = flow.stream_dtype if flow.bins is None else "uint8" if flow.bins <= 256 else "int32"
    x = tf.TensorSpec((None, *flow.event_shape), dtype, "x")
    seed, n = (tf.TensorSpec((), "int32", name) for name in ("seed", "n"))
    condition = []
    if flow.condition_size is not None:
        condition = [tf.TensorSpec((None, flow.condition_size), flow.stream_dtype, "condition")]
    archive = keras.export.ExportArchive()
    archive.track(flow)
    archive.add_endpoint("log_prob", _log_prob(flow, condition), [x, seed, *condition])
    archive.add_endpoint("sample", _sample(flow, condition), [n, seed, *condition])
    archive.write_out(path, verbose=verbose)


def _log_prob(flow, conditional):
    """TensorFlow names the inputs after the arguments, so a density without a condition must not have it as one."""
    if conditional:
        return lambda x, seed, condition: flow.log_prob(x, seed, condition=condition)
    return lambda x, seed: flow.log_prob(x, seed)


def _sample(flow, conditional):
    if conditional:
        return lambda n, seed, condition: flow.sample(n, seed, condition=condition)
    return lambda n, seed: flow.sample(n, seed)
