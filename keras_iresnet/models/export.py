"""A flow as a SavedModel that TensorFlow alone can run."""

import keras
import tensorflow as tf


def export_flow(flow, path, *, verbose=True):
    """Write a SavedModel with two signatures, of which both take their randomness from a seed.

        log_prob(x (batch, *event_shape), seed ()) -> (batch,) nats; x as `fit` takes it, images as integers
        sample(n (), seed ()) -> (n, *event_shape), data space

    Args:
        flow: a `Flow`.
        path: the folder.
        verbose: whether to print what was written.
    """
    dtype = flow.stream_dtype if flow.bins is None else "uint8" if flow.bins <= 256 else "int32"
    x = tf.TensorSpec((None, *flow.event_shape), dtype, "x")
    seed, n = (tf.TensorSpec((), "int32", name) for name in ("seed", "n"))
    archive = keras.export.ExportArchive()
    archive.track(flow)
    archive.add_endpoint("log_prob", lambda x, seed: flow.log_prob(x, seed), [x, seed])
    archive.add_endpoint("sample", lambda n, seed: flow.sample(n, seed), [n, seed])
    archive.write_out(path, verbose=verbose)
