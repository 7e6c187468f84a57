"""How TensorFlow Probability sees a flow: as a bijector, and as a distribution."""

from typing import TYPE_CHECKING

from keras_iresnet.layers.invertible import InvertibleLayer
from keras_iresnet.layers.seeds import Seed
from keras_iresnet.models.density import Density
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.priors.prior import Prior

if TYPE_CHECKING:
    import tensorflow_probability as tfp


class TfpViews(Density):
    """A density by an invertible layer and a prior, as objects of TFP that share its weights."""

    layer: InvertibleLayer
    prior: Prior

    @property
    def bijector(self) -> "tfp.bijectors.Bijector":
        """A `tfb.Bijector` from data space (..., *event_shape) to latents (..., D): `InvertibleResNetBijector`."""
        return self.as_bijector()

    @property
    def distribution(self) -> "tfp.distributions.TransformedDistribution":
        """The density over data space, with its prior, as a `tfd.TransformedDistribution`.

        Where the blocks estimate their log-dets with random probes, `log_prob` of one point differs from call to call:
        `as_distribution` takes a `seed` for the same probes each time, or `ki.ExactLogDet()` where D is small.
        """
        return self.as_distribution()

    def as_bijector(self, *, estimator: LogDetEstimator | None = None, seed: Seed = None) -> "tfp.bijectors.Bijector":
        """`bijector`, with an estimator in place of the blocks' own, or a seed of its random probes."""
        from keras_iresnet.bijector import InvertibleResNetBijector  # TFP takes seconds to import

        seed = self.seed_generator if seed is None else seed
        return InvertibleResNetBijector(
            self.layer, flatten=True, estimator=estimator, seed=seed, condition_size=self.condition_size
        )

    def as_distribution(
        self, *, estimator: LogDetEstimator | None = None, seed: Seed = None
    ) -> "tfp.distributions.TransformedDistribution":
        """`distribution`, with an estimator in place of the blocks' own, or a seed of its random probes."""
        from keras_iresnet.bijector import data_distribution

        return data_distribution(self.as_bijector(estimator=estimator, seed=seed), self.prior.distribution())
