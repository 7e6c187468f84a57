"""What a user may hand to a flow as its prior, beside the priors of this folder."""

import sys
from typing import TYPE_CHECKING, Any, Self

import keras
import tensorflow as tf

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.priors.diagonal_normal import DiagonalNormal
from keras_iresnet.priors.prior import Prior

if TYPE_CHECKING:
    import tensorflow_probability as tfp


def as_prior(given: Any, dtype: Any = None) -> Prior:
    """The `Prior` that is meant: `None` is a `DiagonalNormal`, anything else is taken as what it is.

    Args:
        given: a `Prior`; a distribution of TFP over events (D,); or an object with `log_prob(z)` and
            `sample(n, seed, temperature)`, and any other method of `Prior`.
        dtype: dtype or policy of what is made here.

    Raises:
        ValueError: it is none of these.

    Example:
    >>> from keras_iresnet.priors.given import as_prior
    >>> type(as_prior(None)).__name__
    'DiagonalNormal'
    """
    if given is None:
        return DiagonalNormal(dtype=dtype)
    if isinstance(given, Prior):
        return given
    # Whoever has a distribution has imported TFP, which takes seconds.
    tfp = sys.modules.get("tensorflow_probability")
    if tfp is not None and isinstance(given, tfp.distributions.Distribution):
        from keras_iresnet.priors.distribution_prior import DistributionPrior

        return DistributionPrior(given, dtype=dtype)
    missing = [name for name in ("log_prob", "sample") if not callable(getattr(given, name, None))]
    if missing or isinstance(given, type):
        raise ValueError(
            "`prior` must be a `keras_iresnet.priors.Prior`, a distribution of TFP, or an object with methods "
            f"`log_prob(z)` and `sample(n, seed, temperature)`. Received: prior={given!r}"
        )
    return ObjectPrior(given, dtype=dtype)


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ObjectPrior(Prior):
    """A prior by any object with the methods of one; what it lacks beyond `log_prob` and `sample` is `Prior`'s.

    Its weights are trained if it is a Keras layer. It is saved if Keras can: it has a `get_config`, and its class is
    registered.

    Args:
        thing: the object.

    Example:
    >>> import types
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> box = types.SimpleNamespace(
    ...     log_prob=lambda z: tf.zeros(len(z)), sample=lambda n, seed, temperature: tf.random.uniform((n, 2))
    ... )
    >>> ki.Flow(ki.layers.Chain([]), (2,), prior=box).sample(3).shape
    TensorShape([3, 2])
    """

    def __init__(self, thing: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.thing = thing

    def build(self, input_shape: Shape) -> None:
        """Fix D, and build what can be built."""
        super().build(input_shape)
        if isinstance(self.thing, keras.layers.Layer) and not self.thing.built:
            self.thing.build(tuple(input_shape))

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """Log-density of latents (batch, D): (batch,) nats."""
        return tf.cast(self.thing.log_prob(z), z.dtype)

    def sample(self, n: int | tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draw n latents (n, D), see `Prior.sample`."""
        return tf.cast(self.thing.sample(n, seed, temperature), self.stream_dtype)

    @property
    def wanted_examples(self) -> int:
        """As the object has it, if it has."""
        return getattr(self.thing, "wanted_examples", super().wanted_examples)

    @property
    def least_examples(self) -> int:
        """As the object has it, if it has."""
        return getattr(self.thing, "least_examples", super().least_examples)

    def initialize(self, z: tf.Tensor) -> None:
        """As the object has it, if it has."""
        if hasattr(self.thing, "initialize"):
            self.thing.initialize(z)

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """As the object has it, if it has."""
        return self.thing.moments() if hasattr(self.thing, "moments") else super().moments()

    def distribution(self) -> "tfp.distributions.Distribution":
        """As the object has it, if it has; otherwise one that calls its `log_prob` and `sample`."""
        return self.thing.distribution() if hasattr(self.thing, "distribution") else super().distribution()

    def get_config(self) -> dict[str, Any]:
        """JSON only.

        Raises:
            TypeError: the object cannot be saved.
        """
        if not hasattr(self.thing, "get_config"):
            raise TypeError(
                "A prior must have a `get_config`, and its class be registered with "
                f"`keras.saving.register_keras_serializable`, for its flow to be saved. Received: prior={self.thing!r}"
            )
        return {**super().get_config(), "thing": keras.saving.serialize_keras_object(self.thing)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the object from its config."""
        return cls(**{**config, "thing": keras.saving.deserialize_keras_object(config["thing"])})
