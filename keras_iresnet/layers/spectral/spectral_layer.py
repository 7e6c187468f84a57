"""What convolutions and dense layers share when the norm of their operator must not exceed `coeff`."""

import functools
import math
import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import keras
import tensorflow as tf

from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.layers.carried import EVALUATION, Carried
from keras_iresnet.layers.precision import FullPrecision
from keras_iresnet.ops import maps
from keras_iresnet.ops.induced_norm import has_closed_form, induced_norm
from keras_iresnet.ops.kernels import shares_its_norm
from keras_iresnet.ops.power_iteration import converge, power_iteration
from keras_iresnet.ops.recompute import recomputed

DEFAULT_COEFF = 0.9
DEFAULT_POWER_ITERATIONS = 1
Norm: TypeAlias = float | str | Sequence[float | str]  # p, or (p, q); "inf" is a number too


class SpectralLayer(FullPrecision, keras.layers.Layer):
    """A linear layer whose kernel is softly normalised: W min(1, coeff / sigma).

    sigma is the norm of the *operator* (for a convolution: with its padding and strides, on its own grid), from a
    power iteration whose vector is kept between steps (Gouk et al., arXiv:1804.04368; Behrmann et al. 2019,
    equation 2). The vector is converged when the layer is built, and advances by `power_iterations` in each call
    with `training=True`; other calls only read it. Gradients flow through W / sigma.

    With a `norm` (p, q) other than (2, 2), sigma is the norm from l_p to l_q, or a bound of it, in closed form (see
    `keras_iresnet.ops.induced_norm`): there is no vector, and nothing to converge.

    A subclass calls `_build_weights` and says what map of `keras_iresnet.ops.maps` it is.
    """

    map_type: type[maps.Dense] | type[maps.Conv2D]

    def __init__(
        self,
        *,
        coeff: float | None = DEFAULT_COEFF,
        power_iterations: int = DEFAULT_POWER_ITERATIONS,
        use_bias: bool = True,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        norm: Norm = 2.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_coeff(coeff)
        self.norm = as_norm(norm)
        check_power_iterations(power_iterations)
        self.coeff = None if coeff is None else float(coeff)
        self.power_iterations = power_iterations
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def _map_options(self):
        """What the map needs to know beside kernel and bias, hashable."""
        return {}

    def linear_map(self, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> maps.Dense | maps.Conv2D:
        """The operator with the given kernel, as a map of `keras_iresnet.ops.maps`."""
        return self.map_type(kernel, bias, **self._map_options())

    def _norm_operator(self, kernel):
        """What has the operator's norm: a type of map, its kernel, and its options, hashable."""
        return self.map_type, kernel, self._map_options()

    def _build_weights(self, kernel_shape, range_shape):
        """Create kernel, bias, and the vector u in the range of what `_norm_operator` gives, (1, *range_shape)."""
        self.input_spec = keras.layers.InputSpec(**self._input_limits(kernel_shape))
        self.kernel = self.add_weight(name="kernel", shape=kernel_shape, initializer=self.kernel_initializer)
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=kernel_shape[-1:], initializer="zeros")
        if self.iterates:
            self.u = self.add_weight(
                name="u",
                shape=(1, *range_shape),
                initializer=self._converged_vector,
                dtype=self.stream_dtype,
                trainable=False,
                # It depends on the weights alone, so the replicas' copies are equal.
                aggregation="only_first_replica",
            )

    @property
    def iterates(self) -> bool:
        """Whether a power iteration has a vector to keep: not without `coeff`, nor for a norm in closed form."""
        return self.coeff is not None and self.norm == (2.0, 2.0)

    def _converged_vector(self, shape, dtype):
        start = tf.random.stateless_normal(shape, (20190609, 1), dtype=dtype)
        return self._converged(start)

    def converge(self) -> None:
        """Bring sigma to the norm of the kernel as it is now, to about a thousandth or better."""
        if self.iterates:
            self.u.assign(self._converged(tf.convert_to_tensor(self.u)))

    def _converged(self, u):
        map_type, kernel, options = self._norm_operator(self._raw_kernel())
        return _converge_function(map_type, tuple(options.items()), tuple(kernel.shape))(kernel, u)

    def sigma(self, training: bool = False) -> tf.Tensor:
        """The estimate of the operator's norm, a differentiable scalar; `training` advances the vector first."""
        if self.norm != (2.0, 2.0):
            return induced_norm(self._raw_kernel(), *self.norm)
        iterations = self.power_iterations if training else 0
        map_type, kernel, options = self._norm_operator(self._raw_kernel())
        result = power_iteration(map_type(kernel, **options), tf.convert_to_tensor(self.u), iterations=iterations)
        if training:
            self.u.assign(result.u)
        return result.sigma[0]

    def normalized_kernel(self, carried: Carried = EVALUATION) -> tf.Tensor:
        """The kernel that calls use: W min(1, coeff / sigma), in float32 at least."""
        if self in carried.kernels:
            return carried.kernels[self]
        kernel = self._raw_kernel()
        if self.coeff is None:
            return kernel
        training = carried.training and self.trainable  # a frozen layer stays as it is
        if training and self.iterates and (carried.recompute or shares_its_norm(kernel)):
            return self._normalized_by_recomputation(kernel, self.coeff)
        return kernel * shrinkage(self.sigma(training), self.coeff)

    def _normalized_by_recomputation(self, kernel, coeff):
        """The same, worked out once more in the backward pass, by functions that layers of one form share.

        A graph of many layers is smaller by most of what their norms and the gradients of these take. It costs a small
        network a tenth of its step and more, so it is for those that save memory.
        """
        map_type, kernel, options = self._norm_operator(kernel)
        normalization = _Normalization(map_type, tuple(options.items()), coeff, self.power_iterations)
        normalized, u = recomputed(normalization, kernel, tf.convert_to_tensor(self.u))
        self.u.assign(u)
        return tf.reshape(normalized, self.kernel.shape)

    def _raw_kernel(self):
        return tf.cast(tf.convert_to_tensor(self.kernel), self.stream_dtype)

    def as_map(self, carried: Carried = EVALUATION, dtype: str | None = None) -> maps.Map:
        """The affine map with the normalised kernel, in `dtype` (the compute dtype by default)."""
        dtype = dtype or self.compute_dtype
        kernel = tf.cast(self.normalized_kernel(carried), dtype)
        bias = None if self.bias is None else tf.cast(tf.convert_to_tensor(self.bias), dtype)
        return self.linear_map(kernel, bias)

    def call(self, x: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """x (batch, ..., inputs) -> (batch, ..., outputs) in the compute dtype."""
        return self.as_map(Carried(training=bool(training)))(tf.cast(x, self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "coeff": self.coeff,
            "power_iterations": self.power_iterations,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "norm": [str(p) if math.isinf(p) else p for p in self.norm],
        }


class _Normalization(NamedTuple):
    """A kernel and u -> the normalised kernel and the next u."""

    map_type: type
    options: tuple
    coeff: float
    iterations: int

    def __call__(self, kernel: tf.Tensor, u: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        result = power_iteration(self.map_type(kernel, **dict(self.options)), u, iterations=self.iterations)
        return kernel * shrinkage(result.sigma[0], self.coeff), result.u


def shrinkage(sigma: tf.Tensor, coeff: float) -> tf.Tensor:
    """min(1, coeff / sigma), in a form whose gradient is finite for a kernel of zeros."""
    return coeff / tf.maximum(sigma, coeff)


@functools.cache
def _converge_function(map_type, options, kernel_shape):
    """The vector after `converge`, compiled once for all layers of a kind: there are many of them, and small."""
    del kernel_shape  # each function is traced once
    # TensorFlow counts traces by the code they come from, and warns; a partial counts as code of its own.
    return tf.function(functools.partial(_converged, map_type, dict(options)), autograph=False)


def _converged(map_type, options, kernel, u):
    return converge(map_type(kernel, **options), u).u


def as_norm(norm: Norm) -> tuple[float, float]:
    """p of the inputs and q of the outputs, from one number for both or a pair; refuses what cannot be bounded."""
    try:
        p, q = (float(one) for one in ((norm, norm) if isinstance(norm, (int, float, str)) else norm))
    except (TypeError, ValueError):
        p = q = math.nan
    if not has_closed_form(p, q):
        raise ValueError(
            "`norm` must be p >= 1, or a pair (p, q) with p = 1, q = inf or p = q: others have no proved bound. "
            f"Received: norm={norm!r}"
        )
    return p, q


def check_coeff(coeff: float | None) -> None:
    """Refuse what does not make a contraction; `None` means no constraint."""
    if coeff is not None and not (isinstance(coeff, numbers.Real) and 0 < coeff < 1):
        raise ValueError(f"`coeff` must lie in (0, 1), or be None for no constraint. Received: coeff={coeff!r}")


def check_power_iterations(power_iterations: int) -> None:
    """Refuse what is no number of steps."""
    if not isinstance(power_iterations, int) or power_iterations < 1:
        raise ValueError(
            f"`power_iterations` must be an integer of at least 1. Received: power_iterations={power_iterations!r}"
        )


def converge_power_iterations(layer: keras.layers.Layer) -> None:
    """Converge the power iteration of every `SpectralLayer` in a layer or model, eagerly.

    The norm that a running estimate gives lags behind weights that were trained: `Flow.fit` calls this by itself; after
    any other training call it before the layer is inverted or its density is relied on.

    Example:
    >>> import keras_iresnet as ki
    >>> branch = ki.layers.DenseBranch((16,))
    >>> branch.build((None, 2))
    >>> kernel = branch.spectral_layers[0].kernel
    >>> _ = kernel.assign(3 * kernel)
    >>> ki.layers.converge_power_iterations(branch)
    """
    for inner in layers_in(layer):
        if isinstance(inner, SpectralLayer):
            inner.converge()


def advance_power_iterations(layer: keras.layers.Layer) -> None:
    """A training step's power iterations in every `SpectralLayer` of a layer or model."""
    for inner in layers_in(layer):
        if isinstance(inner, SpectralLayer) and inner.iterates:
            inner.sigma(training=True)
