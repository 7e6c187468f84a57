"""Looks at data, and sets what depends on them, before a model is fitted."""

import keras
import tensorflow as tf

from keras_iresnet.models.checks import check_dtype, check_shape, is_array
from keras_iresnet.models.convergence import with_convergence
from keras_iresnet.models.first_examples import first_examples


class Prepared:
    """Mixin for Keras models that refuse bad data before they train, and are initialised from the first examples.

    A model says what its examples are by `_checked(x)`, with `event_shape` and `bins`, and what goes with them by
    `_check_targets(x, y)`.
    """

    initialization_batch = 1024  # examples that `fit` gives to `initialize`

    def fit(self, x=None, y=None, *args, callbacks=None, validation_data=None, **kwargs):
        """As `keras.Model.fit`, after `initialize` where that was not done; `y` are labels, or the c of p(x | c)."""
        self._check_data(x, y)
        if validation_data is not None:
            self._check_data(*keras.utils.unpack_x_y_sample_weight(validation_data)[:2])
        if not self.initialized:
            examples, x = first_examples(x, self.initialization_batch)
            self.initialize(examples)
        callbacks = with_convergence(callbacks)
        return super().fit(x, y, *args, callbacks=callbacks, validation_data=validation_data, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """As `keras.Model.evaluate`, of data such as `fit` takes."""
        if not kwargs.get("_use_cached_eval_dataset"):  # else it is `fit` that asks, which has checked them
            self._check_data(x, y)
        return super().evaluate(x, y, *args, **kwargs)

    def _check_data(self, x, y):
        self._check_examples(x)
        self._check_targets(x, y)

    def _check_examples(self, x):
        """Check an array whole, a data set by its specification; the rest is checked batch by batch."""
        if isinstance(x, tf.data.Dataset):
            spec = tf.nest.flatten(x.element_spec)[0]
            check_shape(spec, self.event_shape)
            check_dtype(spec.dtype, self.bins)
        elif is_array(x):
            self._checked(x)
