"""The block of neural ordinary differential equations, and of FFJORD: y is where x has flown to."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.baselines.conditioner import Conditioner
from keras_iresnet.layers import InvertibleLayer
from keras_iresnet.layers.carried import Carried
from keras_iresnet.layers.event_shape import Shape
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.ops.log_det import ExactLogDet, rademacher

ESTIMATORS = ("hutchinson", "exact")
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}
MOST_STEPS = 1000  # of the solver: with weights that are not finite it would go on for ever


@keras.saving.register_keras_serializable(package="keras_iresnet")
class NeuralODE(InvertibleLayer):
    """y = z(T) of dz/dt = f(z, t), z(0) = x, and log-det = int_0^T tr(df/dz) dt: `tfb.FFJORD`.

    Dormand and Prince's solver chooses its steps, for all examples of a batch alike; gradients come from the adjoint
    equation. The inverse runs the time back, as exact as the solver is; its report's steps are evaluations of f. f is a
    `Conditioner` of z and t. A problem that takes more than a thousand steps ends with TensorFlow's
    `InvalidArgumentError`.

    Args:
        units: hidden units of the network, one per hidden layer.
        time: T.
        trace: `"hutchinson"`, an unbiased estimate by one random vector, or `"exact"`.
        tolerance: absolute and relative, of the solver; `None` takes 1e-5 in float32, as the paper does, and 1e-10 in
            float64.
        activation: of the network, name of a Keras activation; smooth, or the solver takes many steps.

    Raises:
        ValueError: an argument that cannot be.

    Reference: Chen et al., NeurIPS 2018; Grathwohl et al., ICLR 2019, equations 4 and 6, algorithm 1.

    Example:
    >>> import tensorflow as tf
    >>> from keras_iresnet.baselines import NeuralODE
    >>> layer = NeuralODE((16,), trace="exact")
    >>> y, log_det = layer.forward_and_log_det(tf.ones((2, 3)))
    >>> int(layer.inverse_and_report(y)[1].steps[0]) >= 6  # evaluations of f; a step takes 6
    True
    """

    def __init__(
        self,
        units: Sequence[int],
        *,
        time: float = 1.0,
        trace: str = "hutchinson",
        tolerance: float | None = None,
        activation: str = "tanh",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if trace not in ESTIMATORS:
            raise ValueError(f"`trace` must be one of {', '.join(ESTIMATORS)}. Received: trace={trace!r}")
        if time <= 0 or (tolerance is not None and tolerance <= 0):
            raise ValueError(f"`time`, `tolerance` must be above 0. Received: time={time}, tolerance={tolerance}")
        self.units, self.time, self.trace, self.tolerance = tuple(units), time, trace, tolerance
        self.activation, self.estimates_log_det = activation, trace == "hutchinson"

    def build(self, input_shape: Shape) -> None:
        """Create the network for (batch, ..., channels)."""
        super().build(input_shape)
        self.network = Conditioner(
            self.units,
            input_shape[-1],
            activation=self.activation,
            inner_side=3,
            timed=True,
            dtype=self.stream_dtype,
        )
        self.network.build(input_shape)

    def _forward(self, x: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, tf.Tensor | float]:
        bijector, _ = self._bijector(carried)
        y = bijector.forward(x)
        if not carried.log_det:
            return y, 0.0
        return y, bijector.forward_log_det_jacobian(x, event_ndims=x.shape.rank - 1)  # of the same solution

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        bijector, evaluations = self._bijector(Carried(log_det=False))
        x = bijector.inverse(y)
        return x, InverseReport.exact(y)._replace(steps=tf.fill(tf.shape(y)[:1], evaluations[0]))

    def _inverse_settings(self):
        """What the solver depends on beside weights; eager inverses are compiled by it."""
        return self.time, self.tolerance

    def evaluations(self, x: tf.Tensor) -> tf.Tensor:
        """How often the solver evaluates f to take x (batch, *event) forward, with its log-det; an int32 scalar."""
        bijector, evaluations = self._bijector(Carried(tf.constant([0, 0])))
        bijector.forward(self._ready(x))
        return evaluations[0]

    def _bijector(self, carried):
        """For one input alone, and a list that gets the number of evaluations when it is used."""
        from tensorflow_probability import bijectors as tfb  # TFP takes seconds to import
        from tensorflow_probability import math as tfm

        tolerance = self.tolerance or TOLERANCES[self.stream_dtype]
        solver, evaluations = tfm.ode.DormandPrince(rtol=tolerance, atol=tolerance, max_num_steps=MOST_STEPS), []

        def solve(**problem):
            results = solver.solve(**problem)
            evaluations.append(results.diagnostics.num_ode_fn_evaluations)
            return results

        bijector = tfb.FFJORD(
            lambda time, z: self.network(z, time=time),
            ode_solve_fn=solve,
            trace_augmentation_fn=self._augmentation(carried),
            final_time=self.time,
            dtype=tf.as_dtype(self.stream_dtype),
        )
        return bijector, evaluations

    def _augmentation(self, carried):
        """What adds the trace of df/dz to f; 0 where nobody looks at it."""
        from keras_iresnet.borrowed.tfp_names import exact_trace, hutchinson_trace

        if not carried.log_det:
            return lambda f, shape, dtype: lambda time, pair: (f(time, pair[0]), tf.zeros_like(pair[1]))
        if self.trace == "exact" or isinstance(carried.estimator, ExactLogDet):
            return exact_trace

        def probe(shape, dtype, seed):
            return rademacher(seed, 1, tf.ones(shape[1:], dtype))[None]

        return lambda f, shape, dtype: hutchinson_trace(f, shape, dtype, probe, seed=carried.seed)

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        return {
            **super().get_config(),
            "units": list(self.units),
            "time": self.time,
            "trace": self.trace,
            "tolerance": self.tolerance,
            "activation": self.activation,
        }
