"""Models as SavedModels that TensorFlow alone can run."""

import keras
import tensorflow as tf


class Exported:
    """Mixin for Keras models that name what a SavedModel of theirs can be asked for.

    A subclass has `_signatures()`: name -> (function, specifications of its inputs), named as its arguments are.
    """

    def export(self, filepath, format="tf_saved_model", verbose=None, **kwargs):
        """As `keras.Model.export`; a SavedModel has the signatures of the class, any batch size, the result `output_0`.

        A flow's take their randomness from a seed:

            log_prob(x (batch, *event_shape), seed ()) -> (batch,) nats; x as `fit` takes it, images as integers
            sample(n (), seed ()) -> (n, *event_shape), data space

        Those of a conditional flow take `condition` too, (batch, condition_size) or (n, condition_size). A classifier's
        take integer images, those of a `Hybrid` are a flow's and the first of these:

            predict_proba(x (batch, *event_shape)) -> (batch, num_classes)
            features(x (batch, *event_shape)) -> (batch, *feature_shape)

        Example:
        >>> import tempfile
        >>> import keras_iresnet as ki
        >>> import tensorflow as tf
        >>> flow, folder = ki.zoo.toy_flow(blocks=1, units=(8,)), tempfile.mkdtemp()
        >>> flow.export(folder, verbose=False)
        >>> served = tf.saved_model.load(folder).signatures  # with TensorFlow alone
        >>> x = served["sample"](n=tf.constant(3), seed=tf.constant(0))["output_0"]
        >>> served["log_prob"](x=x, seed=tf.constant(0))["output_0"].shape
        TensorShape([3])
        """
        if format != "tf_saved_model" or kwargs:
            return super().export(filepath, format=format, verbose=verbose, **kwargs)
        archive = keras.export.ExportArchive()
        archive.track(self)
        for name, (function, specs) in self._signatures().items():
            archive.add_endpoint(name, function, specs)
        return archive.write_out(filepath, verbose=verbose is not False)


def flow_signatures(flow) -> dict:
    """What a flow's SavedModel can be asked for."""
    seed, n = (tf.TensorSpec((), "int32", name) for name in ("seed", "n"))
    condition = []
    if flow.condition_size is not None:
        condition = [tf.TensorSpec((None, flow.condition_size), flow.stream_dtype, "condition")]
    return {
        "log_prob": (_log_prob(flow, condition), [_examples(flow), seed, *condition]),
        "sample": (_sample(flow, condition), [n, seed, *condition]),
    }


def classifier_signatures(classifier) -> dict:
    """What a classifier's SavedModel can be asked for."""
    return probability_signature(classifier) | {
        "features": (lambda x: classifier.features(x, training=False), [_examples(classifier)])
    }


def probability_signature(model) -> dict:
    """`predict_proba` of anything that has logits."""
    return {"predict_proba": (lambda x: tf.nn.softmax(model.logits(x)), [_examples(model)])}


def _examples(model):
    """Examples as the model's `fit` takes them."""
    dtype = model.stream_dtype if model.bins is None else "uint8" if model.bins <= 256 else "int32"
    return tf.TensorSpec((None, *model.event_shape), dtype, "x")


def _log_prob(flow, conditional):
    """TensorFlow names the inputs after the arguments, so a density without a condition must not have it as one."""
    if conditional:
        return lambda x, seed, condition: flow.log_prob(x, seed, condition=condition)
    return lambda x, seed: flow.log_prob(x, seed)


def _sample(flow, conditional):
    if conditional:
        return lambda n, seed, condition: flow.sample(n, seed, condition=condition)
    return lambda n, seed: flow.sample(n, seed)
