"""The base of every prior: what latents are taken to follow."""

import math
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.precision import FullPrecision

if TYPE_CHECKING:
    import tensorflow_probability as tfp


class Prior(FullPrecision, keras.layers.Layer):
    """p(z) of latents z (batch, D): a Keras layer, which called on latents gives their log-density.

    A subclass implements `log_prob` and `sample`, creates its weights in `build`, and, to be saved, has a `get_config`
    and is registered as any Keras layer is. The rest has defaults. `trainable=False` lets training leave the prior
    where `initialize` put it.

    Attributes:
        dimension: D, known once the prior is built.

    Example:
    >>> import math
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> class Uniform(ki.priors.Prior):
    ...     def log_prob(self, z):
    ...         return tf.where(tf.reduce_all(abs(z) < 1, -1), -self.dimension * math.log(2), -math.inf)
    ...     def sample(self, n, seed, temperature=1.0):
    ...         return temperature * tf.random.stateless_uniform((n, self.dimension), seed, -1, 1)
    >>> flow = ki.Flow(ki.layers.Chain([]), (3,), prior=Uniform())
    >>> flow.log_prob(flow.sample(2, seed=0)).numpy().round(3).tolist()
    [-2.0789999961853027, -2.0789999961853027]
    """

    @property
    def wanted_examples(self) -> int:
        """Latents that `initialize` had better be given."""
        return 1

    @property
    def least_examples(self) -> int:
        """Fewer than these it refuses."""
        return 1

    def build(self, input_shape: Shape) -> None:
        """Fix D; a subclass with weights adds them."""
        self.dimension = int(input_shape[-1])
        self.input_spec = keras.layers.InputSpec(shape=(None, self.dimension))

    def call(self, z: tf.Tensor) -> tf.Tensor:
        """As `log_prob`, cast to float32 at least."""
        return self.log_prob(tf.cast(z, self.stream_dtype))

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """Log-density of latents (batch, D): (batch,) nats."""
        raise NotImplementedError

    def sample(self, n: int | tf.Tensor, seed: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
        """Draw n latents (n, D).

        Args:
            n: how many.
            seed: (2,) int32 tensor.
            temperature: factor of the deviation.
        """
        raise NotImplementedError

    def initialize(self, z: tf.Tensor) -> None:
        """Set what depends on data from latents (examples, D), eagerly; most priors have nothing to set."""

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation of each latent, both (D,)."""
        raise NotImplementedError(f"{type(self).__name__} has no `moments`, which this needs: mean and deviation, (D,)")

    def distribution(self) -> "tfp.distributions.Distribution":
        """The prior in TensorFlow Probability, over events (D,); it follows the weights, and trains them."""
        from keras_iresnet.priors.tfp_view import PriorDistribution  # TFP takes seconds to import

        return PriorDistribution(self)

    def check_examples(self, count: int) -> None:
        """Refuse to be initialised from so few examples.

        Raises:
            ValueError: there are fewer than `least_examples`.
        """
        if count < self.least_examples:
            raise ValueError(
                f"`initialize` needs at least {self.least_examples} examples for this prior, {type(self).__name__}. "
                f"Received: {count} examples"
            )

    def get_config(self) -> dict[str, Any]:
        """JSON only; that it is here lets Keras leave a `dtype` given as an object to the layer's own config."""
        return super().get_config()

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, D) -> (batch,)."""
        return tuple(input_shape[:1])

    def compute_output_spec(self, z: keras.KerasTensor) -> keras.KerasTensor:
        """Shape and dtype of the log-density: float32 at least, whatever the policy computes in."""
        return keras.KerasTensor(self.compute_output_shape(z.shape), dtype=self.stream_dtype)


def check_count(name: str, value: Any, least: int) -> None:
    """Refuse what is no integer of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` must be an integer of at least {least}. Received: {name}={value!r}")


def check_temperature(temperature: Any) -> None:
    """Refuse a factor of the deviation that is negative or no number; of a tensor without a value nothing is known."""
    known = tf.get_static_value(tf.convert_to_tensor(temperature))
    if known is not None and not 0 <= known < math.inf:
        raise ValueError(f"`temperature` must be at least 0 and finite. Received: temperature={known}")
