"""Bits per dimension of held-out images, with a bound of the bias and the errors told apart."""

import functools
import math
from typing import Any

import numpy as np
import tensorflow as tf

from keras_iresnet.evaluation.batchwise import Bar, as_batches
from keras_iresnet.evaluation.bias_bound import bias_bound
from keras_iresnet.evaluation.certificate import certify
from keras_iresnet.evaluation.image_evaluation import ImageEvaluation
from keras_iresnet.evaluation.log_likelihood import EXACT_DIMENSION
from keras_iresnet.evaluation.own_log_dets import OwnLogDets, estimates_of_their_own
from keras_iresnet.evaluation.passes import first_pass, further_pass, passes_needed, probe_pilot
from keras_iresnet.evaluation.protocol import DEFAULT_BIAS, DEFAULT_MAX_PASSES, DEFAULT_STANDARD_ERROR, check_protocol
from keras_iresnet.evaluation.variance import components
from keras_iresnet.models import Flow
from keras_iresnet.models.likelihood import bits_per_dim
from keras_iresnet.ops.log_det import ExactLogDet, LogDetEstimator, SeriesLogDet
from keras_iresnet.ops.series_terms import SeriesValue
from keras_iresnet.ops.series_to_bias import SeriesToBias

# Terms where no number of them has a certified bias, because a branch has no bound below 1: at a rate of 0.9 they leave
# 5e-4 nats a dimension of each block.
UNCERTIFIED_NUM_TERMS = 50

# Images whose probes are balanced: in a mean over them, what their Jacobians have in common hardly varies. The error is
# estimated from the differences between draws of whole groups, of which a pilot must have some.
_GROUP = 32

# Vectors for the first terms, and for how many of these, that are tried in the place of one, where more than one pass
# is needed.
_HEADS = ((4, 2), (4, 1), (16, 2), (16, 1))


def evaluate_bits_per_dim(
    flow: Flow,
    dataset: Any,
    *,
    bias: float = DEFAULT_BIAS,
    standard_error: float = DEFAULT_STANDARD_ERROR,
    num_terms: int | None = None,
    estimator: LogDetEstimator | None = None,
    max_passes: int = DEFAULT_MAX_PASSES,
    dequantization: str = "uniform",
    batch_size: int = 100,
    seed: int = 0,
    progress: bool = False,
) -> ImageEvaluation:
    """Mean bits/dim of integer images, to a stated precision.

    The log-determinant is exact up to 128 dimensions, and of layers other than residual blocks, but for FFJORD's own
    estimate. Beyond that it is the series, cut in each block and batch where all that is left of it, bounded with the
    certified Lipschitz constant for the very probes that were drawn, is below the block's share of `bias`. All images
    are evaluated with fresh noise and fresh probes, again and again, until both together leave less than
    `standard_error` of the mean to chance. Probes of neighbouring images are balanced, see `ops.balanced_signs`, and
    tr(J), or tr(J^2) too, has as many vectors as a pilot finds to take the fewest products; tr(J) has none where a
    branch's structure gives it, see `ops.maps.exact_trace`. How much the choice of the images leaves to it is told
    beside it.

    Args:
        flow: a `Flow` with `bins`.
        dataset: `tf.data.Dataset` of images, batched or not, or an array (images, height, width, channels); for a
            flow of p(x | c) of pairs, or a pair of arrays: images and their conditions.
        bias: bits/dim that the cut of the series may cost at most.
        standard_error: bits/dim that noise and probes may leave to chance, in terms of a standard error.
        num_terms: fixes the terms of the series; `bias` is then not used.
        estimator: fixes the estimator of the log-determinants instead.
        max_passes: limit of how often all images are evaluated; the result says what was reached. 1 for a first look.
        dequantization: `"uniform"`, or `"variational"` for a flow with a dequantizer: then its bound.
        batch_size: images in a batch, for data that have no batches.
        seed: of noise and probes: the same seed gives the same result.
        progress: whether to show a bar on standard error.

    Returns:
        `ImageEvaluation`. Where a branch has no certified bound below 1, the series has 50 terms and its
        `bias_bound` is infinite; so it is for FFJORD beyond 128 dimensions, whose own estimate is taken.

    Raises:
        ValueError: the flow is one of points, the images have another shape than the flow's, or there are none;
            or `bias`, `standard_error`, `num_terms` or `max_passes` cannot be.

    Reference: Behrmann et al., ICML 2019, section 5.2 and appendix; the bound of the bias is its theorem 3.

    Example:
    >>> import numpy as np
    >>> import keras_iresnet as ki
    >>> flow = ki.zoo.digits_flow(blocks=(1,), channels=4)
    >>> images = np.random.default_rng(0).integers(0, 17, (50, 8, 8, 1), dtype=np.uint8)
    >>> flow.initialize(images)
    >>> result = ki.evaluate_bits_per_dim(flow, images, num_terms=20, standard_error=0.01)
    >>> bool(abs(result.mean - np.log2(17)) < 0.1)  # noise has the bits of a uniform
    True
    >>> result.images, result.dimension, result.bins, result.bias_bound < 1e-3
    (50, 64, 17, True)
    """
    options: dict[str, Any] = {"bias": bias, "num_terms": num_terms, "estimator": estimator}
    evaluator = ImageEvaluator(flow, dequantization=dequantization, **options)
    return evaluator(
        dataset,
        standard_error=standard_error,
        max_passes=max_passes,
        batch_size=batch_size,
        seed=seed,
        progress=progress,
    )


class ImageEvaluator:
    """`evaluate_bits_per_dim` for several data sets or seeds: bounds and graphs are made once.

    The flow's weights must stay as they are.

    Args:
        flow: as for `evaluate_bits_per_dim`; so are the others.
    """

    def __init__(
        self,
        flow: Flow,
        *,
        bias: float = DEFAULT_BIAS,
        num_terms: int | None = None,
        estimator: LogDetEstimator | None = None,
        dequantization: str = "uniform",
    ) -> None:
        if flow.bins is None:
            raise ValueError("`flow` must be one of images, with `bins`; `evaluate_log_likelihood` takes points")
        check_protocol(bias=bias, num_terms=num_terms)
        if num_terms is not None and estimator is not None:
            raise ValueError(f"Either `num_terms` or `estimator` is chosen. Received: {num_terms=}, {estimator=}")
        if dequantization != "uniform" and (dequantization != "variational" or flow.dequantizer is None):
            raise ValueError(
                "`dequantization` must be 'uniform', or 'variational' for a flow with a dequantizer. "
                f"Received: {dequantization=}, dequantizer={flow.dequantizer}"
            )
        self.flow, self._bins, self.dequantization = flow, flow.bins, dequantization
        self._dimension, self._estimated = math.prod(flow.event_shape), estimates_of_their_own(flow.layer)
        self.estimator = estimator or self._choose(bias, num_terms)
        self._counted: tf.Variable | None = getattr(self.estimator, "counted", None)
        heads = [getattr(self.estimator, name, None) for name in ("heads", "depth")]
        found = [one for one in heads if isinstance(one, tf.Variable)]
        self._heads: list[tf.Variable] = found if len(found) == 2 else []
        self._exact = isinstance(self.estimator, ExactLogDet)
        self.bias_bound = self._bias_bound()
        # A flow needs nothing of autograph, which would slow the tracing of every block.
        self._bits = tf.function(self._bits_per_dim, autograph=False)

    def _choose(self, bias, num_terms):
        if num_terms is not None:
            return SeriesLogDet(num_terms)
        if self._dimension <= EXACT_DIMENSION:
            return ExactLogDet()
        if not self._certificate.blocks:  # there is no series to be cut
            return OwnLogDets() if self._estimated else ExactLogDet()
        if not self._certificate.invertible:
            return SeriesLogDet(UNCERTIFIED_NUM_TERMS)
        nats, blocks = bias * self._dimension * math.log(2), self._certificate.blocks
        if any(block.norm != 2 for block in blocks):  # of the length of a probe they say nothing
            return SeriesLogDet(self._certificate.num_terms(nats))
        counted = tf.Variable([0, 0, 0], dtype=tf.int64)
        variables: dict[str, Any] = {"heads": tf.Variable(1), "depth": tf.Variable(1), "counted": counted}
        return SeriesToBias(nats / len(blocks), self._certificate.bound, group=_GROUP, **variables)

    @functools.cached_property
    def _certificate(self):
        return certify(self.flow)

    def _bits_per_dim(self, images, noise_seed, probe_seed, condition=None):
        estimator = self.estimator
        if type(estimator) is SeriesLogDet:  # the same values, from a graph that does not grow with the terms
            estimator = SeriesValue(estimator.num_terms, estimator.num_probes)
        if self.dequantization == "variational":
            seeds = noise_seed, probe_seed
            log_prob = self.flow.log_prob_by_seeds(images, *seeds, estimator=estimator, condition=condition)
        else:
            x = self.flow.to_data(images, noise_seed)
            log_prob = self.flow.log_prob(x, probe_seed, estimator=estimator, condition=condition)
        return bits_per_dim(log_prob, dimension=self._dimension, bins=self._bins)

    def _bias_bound(self):
        """Bits/dim that the log-determinant can be off; infinite where that is not known."""
        if self._exact:
            return 0.0
        if self._estimated:
            return math.inf
        return bias_bound(self.estimator, self.flow, self._certificate) / (self._dimension * math.log(2))

    def _effort(self, images):
        """Terms of the series, and products for each image since the last time; both where that is found on the way."""
        if self._counted is None:
            return getattr(self.estimator, "num_terms", None), None
        terms, calls, products = self._counted.numpy()
        return float(terms / calls), float(products / images)

    def __call__(
        self,
        dataset: Any,
        *,
        standard_error: float = DEFAULT_STANDARD_ERROR,
        max_passes: int = DEFAULT_MAX_PASSES,
        batch_size: int = 100,
        seed: int = 0,
        progress: bool = False,
    ) -> ImageEvaluation:
        """See `evaluate_bits_per_dim`."""
        check_protocol(standard_error=standard_error, max_passes=max_passes)
        conditional = self.flow.condition_size is not None
        batches = as_batches(dataset, self.flow.event_shape, batch_size, conditional=conditional)
        specs = [tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in tf.nest.flatten(batches.element_spec)]
        bits = self._bits.get_concrete_function(specs[0], *[tf.TensorSpec((2,), tf.int32)] * 2, *specs[1:])
        self._start_anew()
        with Bar(batches, progress) as bar:
            values, pilot = first_pass(bits, batches, seed, bar, probes=1 if self._exact else 2)
            parts = self._components(pilot)
            passes = passes_needed(parts, len(values), standard_error)
            if passes > 1 and max_passes > 1:
                better = self._more_heads(bits, batches, seed, pilot, parts, len(values), standard_error)
                if better is not None:
                    parts, passes, pilot = better, 1 + passes_needed(better, len(values), standard_error), {}
            passes, first = min(passes, max_passes), 0 if pilot else 1
            bar.passes(passes)
            for index in range(1, passes):
                values = values * (index > first) + further_pass(bits, batches, seed, bar, index, pilot)
        return self._result(values / (passes - first), parts, passes - first)

    def _start_anew(self):
        """Set what a call changes."""
        if self._counted is not None:
            self._counted.assign([0, 0, 0])
        self._use(1, 1)

    def _use(self, *heads_and_depth):
        for variable, value in zip(self._heads, heads_and_depth, strict=False):
            variable.assign(value)

    def _components(self, pilot):
        """The parts of the variance in a dictionary of batches' draws."""
        group, draws = getattr(self.estimator, "group", 1), list(pilot.values())
        places = [1000 * batch + np.arange(found.shape[-1]) // group for batch, found in enumerate(draws)]
        return components(np.concatenate(draws, -1), None if group == 1 else np.concatenate(places))

    def _more_heads(self, bits, batches, seed, pilot, parts, count, standard_error):
        """Components with as many heads as need the fewest products in all; `None` where that is one.

        The first pass was one of one head: it counts for nothing else, so that all draws that count are alike.
        """
        if not isinstance(self.estimator, SeriesToBias) or not self._heads or self._counted is None:
            return None
        terms, calls, _ = self._counted.numpy()
        chain, images = terms / calls, sum(found.shape[-1] for found in pilot.values())
        least = passes_needed(parts._replace(probe=0.0), count, standard_error)
        best, left = None, (passes_needed(parts, count, standard_error) - 1) * count * chain
        for heads, depth in _HEADS:
            products = self.estimator.products(chain, heads, depth)
            if (2 * images + count * least) * products > left:  # it cannot pay, were its vectors without variance
                continue
            self._use(heads, depth)
            found = self._components(probe_pilot(bits, batches, seed, pilot, 10 * heads + depth))._replace(
                noise=parts.noise
            )
            needed = passes_needed(found, count, standard_error) * count * products
            if needed < left:
                best, left = (heads, depth, found), needed
        self._use(*(best or (1, 1))[:2])
        return None if best is None else best[2]

    def _result(self, values, parts, passes):
        count = len(values)
        noise, probe = (math.sqrt(part / (count * passes)) for part in (parts.noise, parts.probe))
        total = float(np.var(values, ddof=1)) / count if count > 1 else math.nan
        own = (parts.noise + parts.own_probe) / (count * passes)
        image = math.sqrt(max(total - own, 0)) if count > 1 else math.nan
        num_terms, num_products = self._effort(count)
        return ImageEvaluation(
            mean=float(np.mean(values)),
            standard_error=math.sqrt(image**2 + noise**2 + probe**2),
            image_standard_error=image,
            dequantization_standard_error=noise,
            probe_standard_error=probe,
            bias_bound=self.bias_bound,
            num_terms=num_terms,
            num_probes=passes * getattr(self.estimator, "num_probes", 0),
            num_noises=passes,
            num_products=num_products,
            images=count,
            dimension=self._dimension,
            bins=self._bins,
            estimator=repr(self.estimator),
            dequantization=self.dequantization,
        )
