"""A distribution of TensorFlow Probability as a prior: fixed, and saved by its parameters."""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf
from tensorflow_probability import distributions as tfd

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.priors.prior import Prior

_PLAIN = (bool, int, float, str, type(None))


@keras.saving.register_keras_serializable(package="keras_iresnet")
class DistributionPrior(Prior):
    """p(z) of a `tfd.Distribution` over events (D,), without a batch. It is not trained: subclass `Prior` for that.

    Args:
        given: the distribution, or its description as `describe` gives it.

    Raises:
        ValueError: it has variables to train, or is one over other events.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow_probability as tfp
    >>> student = tfp.distributions.Sample(tfp.distributions.StudentT(4.0, 0.0, 1.0), 3)
    >>> ki.Flow(ki.layers.Chain([]), (3,), prior=student).sample(5).shape
    TensorShape([5, 3])
    """

    def __init__(self, given: tfd.Distribution | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.given = given if isinstance(given, tfd.Distribution) else restore(given)
        if self.given.trainable_variables:
            names = ", ".join(variable.name for variable in self.given.trainable_variables)
            raise ValueError(
                "A distribution must be a fixed one to be a prior: Keras cannot train its variables. Subclass "
                f"`keras_iresnet.priors.Prior`, whose weights it trains. Received: {self.given.name} with {names}"
            )

    def build(self, input_shape: Shape) -> None:
        """Check that the events are latents (D,)."""
        super().build(input_shape)
        shapes = tuple(self.given.batch_shape), tuple(self.given.event_shape)
        if shapes != ((), (self.dimension,)):
            raise ValueError(
                f"`prior` must be a distribution over events ({self.dimension},), without a batch. "
                f"Received: {self.given.name} with batch shape {shapes[0]} and event shape {shapes[1]}"
            )

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """Log-density of latents (batch, D): (batch,) nats."""
        return tf.cast(self.given.log_prob(tf.cast(z, self.given.dtype)), z.dtype)

    def sample(self, n: int | tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draw n latents (n, D); `temperature` is a factor of their distance from the mean."""
        drawn = self.given.sample(n, seed=seed)
        if isinstance(temperature, float | int) and temperature == 1:  # not every distribution has a mean
            return tf.cast(drawn, self.stream_dtype)
        mean = self.given.mean()
        return tf.cast(mean + tf.cast(temperature, drawn.dtype) * (drawn - mean), self.stream_dtype)

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation of each latent, both (D,)."""
        mean, deviation = (tf.cast(moment, self.stream_dtype) for moment in (self.given.mean(), self.given.stddev()))
        return mean, deviation

    def distribution(self) -> tfd.Distribution:
        """The distribution itself, or a view of it in the dtype of the flow's latents where it has another."""
        return self.given if self.given.dtype == self.stream_dtype else super().distribution()

    def get_config(self) -> dict[str, Any]:
        """JSON only.

        Raises:
            TypeError: the distribution is made of more than numbers and other distributions.
        """
        return {**super().get_config(), "given": describe(self.given)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the distribution from its description."""
        return cls(**config)


def describe(distribution: tfd.Distribution) -> dict[str, Any]:
    """Class and parameters of a distribution, as JSON: numbers, arrays, dtypes, other distributions and lists of them.

    Raises:
        TypeError: a parameter is something else, or the class is not one of TFP's own.

    Example:
    >>> import tensorflow_probability as tfp
    >>> from keras_iresnet.priors.distribution_prior import describe, restore
    >>> restore(describe(tfp.distributions.Normal([0.0, 1.0], 2.0))).mean().numpy().tolist()
    [0.0, 1.0]
    """
    name = type(distribution).__name__
    if getattr(tfd, name, None) is not type(distribution):  # a user's class of the same name would come back as TFP's
        raise _not_plain("distribution", distribution)
    parameters = {name: value for name, value in distribution.parameters.items() if name != "self"}
    described = {name: _to_json(name, value) for name, value in parameters.items()}
    return {"distribution": name, "parameters": described}


def _to_json(name, value):
    if isinstance(value, _PLAIN) and not isinstance(value, np.generic):  # np.float64 is a float, whose dtype counts
        return value
    if isinstance(value, tfd.Distribution):
        return describe(value)
    if isinstance(value, tf.DType):
        return {"dtype": value.name}
    if isinstance(value, list | tuple):  # as it is: TFP gives its numbers the dtype of the other parameters
        return [_to_json(name, part) for part in value]
    if tf.is_tensor(value) or isinstance(value, np.ndarray | np.generic | tf.TensorShape):
        array = np.asarray(value)
        if array.dtype.kind in "bifu":
            return {"values": array.tolist(), "dtype": array.dtype.name}
    raise _not_plain(name, value)


def _not_plain(name, value):
    return TypeError(
        "A distribution that is a prior must be made of numbers and distributions of TFP for its flow to be saved: "
        f"subclass `keras_iresnet.priors.Prior` otherwise. Received: {name}={value!r}"
    )


def restore(description: dict[str, Any]) -> tfd.Distribution:
    """The distribution that `describe` was given; its class is one of TFP's, by name, whatever the file says.

    Raises:
        ValueError: TFP has no distribution of that name.
    """
    cls = getattr(tfd, description["distribution"], None)
    if not (isinstance(cls, type) and issubclass(cls, tfd.Distribution)):
        raise ValueError(f"TFP must have the distribution. Received: {description['distribution']!r}")
    return cls(**{name: _from_json(value) for name, value in description["parameters"].items()})


def _from_json(value):
    if isinstance(value, list):
        return [_from_json(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "distribution" in value:
        return restore(value)
    if "values" in value:
        return tf.constant(value["values"], value["dtype"])
    return tf.as_dtype(value["dtype"])
