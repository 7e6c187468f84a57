"""What is compared with whom: training steps and inverses of one `Workload`, ours and others', each as a `Contender`.

The functions here are called in processes of their own: see `turns.Contender`.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_iresnet.benchmarks.arithmetic import Arithmetic
from keras_iresnet.benchmarks.inverse_arithmetic import products_of_inverse
from keras_iresnet.benchmarks.rivals import normflows_flow
from keras_iresnet.benchmarks.rivals.ffjord_flow import FfjordFlow
from keras_iresnet.benchmarks.training_step import TrainingStep
from keras_iresnet.benchmarks.turns import Comparison, Contender, in_turns
from keras_iresnet.benchmarks.workload import Workload, build_flow
from keras_iresnet.borrowed.keras_names import layers_in
from keras_iresnet.evaluation.bits_per_dim import ImageEvaluator
from keras_iresnet.evaluation.certificate import certify
from keras_iresnet.evaluation.protocol import DEFAULT_BIAS
from keras_iresnet.layers import Carried, InvertibleResidualBlock
from keras_iresnet.layers.inverse_report import InverseReport
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import MixedSeriesLogDet
from keras_iresnet.runs import RunFolder
from keras_iresnet.runs.machine.full_products import keep_float32
from keras_iresnet.runs.machine.threads import settle_threads

AUTHORS_STEPS = 100  # of each block's inverse, whatever its residual: what the authors' code takes
_COEFF = 0.9


def compare_steps(workload: Workload, *, pairs: int, ffjord: bool = False) -> tuple[Comparison, dict[str, Any]]:
    """A training step of ours, in float32 and with bfloat16 in parts, of normflows where installed, of TFP's FFJORD.

    Returns:
        The comparison, whose first label is `"ours"`, and label -> facts of each: the loss of the first step.
    """
    ways: dict[str, tuple[Any, ...]] = {
        "ours": (our_step, workload, "float32"),
        "ours_mixed_series": (our_step, workload, "float32", True),
        "ours_mixed_bfloat16": (our_step, workload, "mixed_bfloat16"),
    }
    if normflows_flow.is_installed():
        ways["normflows"] = (normflows_step, workload)
    if ffjord:
        ways["ffjord"] = (ffjord_step, workload)
    return _compared(ways, pairs)


def compare_inverses(
    workload: Workload, *, images: int, pairs: int, ffjord: bool = False
) -> tuple[Comparison, dict[str, Any]]:
    """The inverse of some images, all norms at 0.9: ours, the authors' way, normflows where installed, TFP's FFJORD.

    Returns:
        The comparison, whose first label is `"ours"`, and label -> facts of each: the largest error of a pixel, and
        of ours the steps of all blocks together.
    """
    ways: dict[str, tuple[Any, ...]] = {
        "ours": (our_inverse, workload, images, None),
        "ours_to_1e-5": (our_inverse, workload, images, 1e-5),
        "authors_way": (authors_inverse, workload, images),
    }
    if normflows_flow.is_installed():
        ways["normflows"] = (normflows_inverse, workload, images)
    if ffjord:
        ways["ffjord"] = (ffjord_inverse, workload, images)
    return _compared(ways, pairs)


def _compared(ways, pairs):
    contenders = {label: Contender(*way) for label, way in ways.items()}
    try:
        return in_turns(contenders, pairs), {label: one.facts for label, one in contenders.items()}
    finally:
        for one in contenders.values():
            one.__exit__()


def compare_samples(run: str, *, images: int, pairs: int) -> tuple[Comparison, dict[str, Any]]:
    """Sampling from a finished run to 1e-5, as we do it and as the authors do."""
    return _compared({"ours": (our_samples, run, images), "authors_way": (authors_samples, run, images)}, pairs)


def compare_evaluations(run: str, *, images: int, pairs: int) -> tuple[Comparison, dict[str, Any]]:
    """Bits/dim of a run's samples, to the same bias: terms found on the way, and as many as the worst case needs."""
    ways = {"on_the_way": (evaluation, run, images, True), "beforehand": (evaluation, run, images, False)}
    return _compared(ways, pairs)


def _settle():
    """As our commands do before they run anything."""
    keep_float32()
    settle_threads()


def our_step(workload: Workload, policy: str, mixed_series: bool = False) -> Callable[[], dict[str, Any]]:
    """A training step as our commands take it."""
    _settle()
    keras.config.set_dtype_policy(policy)
    flow = build_flow("dual", workload)
    for layer in layers_in(flow.layer) if mixed_series else []:
        if isinstance(layer, InvertibleResidualBlock):
            layer.estimator = MixedSeriesLogDet(workload.num_terms, workload.num_probes)
    step = TrainingStep(flow, workload.batch_size)
    arithmetic = step.arithmetic()

    def timed() -> dict[str, Any]:
        step()
        start = {"trace_seconds": step.start.trace_seconds, "operations": step.start.operations}
        return {**start, **arithmetic._asdict()}

    return timed


def normflows_step(workload: Workload) -> Callable[[], dict[str, Any]]:
    """The same of normflows."""
    step = normflows_flow.NormflowsFlow(workload).training_step()
    return lambda: {"loss": step()}


def ffjord_step(workload: Workload) -> Callable[[], dict[str, Any]]:
    """The same of TFP's FFJORD with as many parameters."""
    _settle()
    step = FfjordFlow(workload).training_step()
    return lambda: {"loss": step()}


def flow_at_its_bound(workload: Workload, images: int) -> tuple[Flow, tf.Tensor]:
    """A flow whose every norm is the bound itself, set from data, and images of its data space."""
    flow = build_flow("dual", workload)
    for layer in layers_in(flow.layer):
        if isinstance(layer, SpectralLayer):
            layer.kernel.assign(3 * layer.kernel)
            layer.converge()
    shape = (images, workload.size, workload.size, 3)
    x = flow.to_data(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), seed=1)
    flow.initialize(x)
    return flow, x


def our_inverse(workload: Workload, images: int, tolerance: float | None) -> Callable[[], dict[str, Any]]:
    """`flow.inverse_and_report` as a user calls it."""
    _settle()
    flow, x = flow_at_its_bound(workload, images)
    z = flow.forward(x)
    arithmetic = Arithmetic.of(products_of_inverse(flow, z, tolerance=tolerance))

    def timed() -> dict[str, Any]:
        back, report = flow.inverse_and_report(z, tolerance=tolerance)
        error, steps = float(tf.reduce_max(abs(back - x))), int(tf.reduce_max(report.steps))
        return {"largest_error": error, "steps": steps, **arithmetic._asdict()}

    return timed


def authors_inverse(workload: Workload, images: int) -> Callable[[], dict[str, Any]]:
    """The same as the authors' code goes about it, in our own arithmetic."""
    _settle()
    flow, x = flow_at_its_bound(workload, images)
    z = flow.forward(x)
    take_fixed_steps(flow)
    return lambda: {"largest_error": float(tf.reduce_max(abs(flow.inverse(z, on_failure="ignore") - x)))}


class FixedSteps(InvertibleResidualBlock):
    """A block whose inverse takes a fixed number of steps, each of which normalises the kernels anew."""

    def _inverse(self, y: tf.Tensor, carried: Carried) -> tuple[tf.Tensor, InverseReport | None]:
        def step(x: tf.Tensor) -> tuple[tf.Tensor]:
            return (y - self._branch_map(Carried(condition=carried.condition))(x),)

        return tf.while_loop(lambda x: True, step, (y,), maximum_iterations=AUTHORS_STEPS)[0], None


def take_fixed_steps(flow: Flow) -> None:
    """Have the blocks of a flow inverted as the authors do."""
    for layer in layers_in(flow.layer):
        if type(layer) is InvertibleResidualBlock:
            layer.__class__ = FixedSteps


def normflows_inverse(workload: Workload, images: int) -> Callable[[], dict[str, Any]]:
    """The same of normflows, with its own way to stop."""
    import torch

    flow = normflows_flow.NormflowsFlow(workload)
    x = flow.tensor(np.random.default_rng(0).random((images, 3, workload.size, workload.size), dtype=np.float32))
    flow.scales.eval()
    with torch.no_grad():
        flow.forward(x)  # sets ActNorm and the shapes of norms
        flow.fill(_COEFF)
        z = flow.forward(x)[0]

    def timed() -> dict[str, Any]:
        with torch.no_grad():
            return {"largest_error": float((flow.inverse(z) - x).abs().max())}

    return timed


def ffjord_inverse(workload: Workload, images: int) -> Callable[[], dict[str, Any]]:
    """The same of TFP's FFJORD, to its own tolerance; fields are called as often as the data ask for."""
    _settle()
    flow = FfjordFlow(workload)
    shape = (images, workload.size, workload.size, 3)
    x = tf.constant(np.random.default_rng(0).random(shape, dtype=np.float32))
    z = flow.forward(x)[0]
    flow.calls = 0
    flow.inverse(z)
    passes = flow.calls / len(flow.networks)
    inverse = tf.function(flow.inverse, autograph=False)

    def timed() -> dict[str, Any]:
        return {"largest_error": float(tf.reduce_max(abs(inverse(z) - x))), "passes": passes}

    return timed


def our_samples(run: str, images: int) -> Callable[[], dict[str, Any]]:
    """`flow.sample` of a run's best checkpoint, as a user calls it."""
    _settle()
    flow = RunFolder.open(run).load_best()

    def timed() -> dict[str, Any]:
        x = flow.sample(images, seed=1, tolerance=1e-5)
        return {"mean": float(tf.reduce_mean(x))}

    return timed


def authors_samples(run: str, images: int) -> Callable[[], dict[str, Any]]:
    """The same by fixed steps."""
    _settle()
    flow = RunFolder.open(run).load_best()
    take_fixed_steps(flow)
    return lambda: {"mean": float(tf.reduce_mean(flow.sample(images, seed=1, on_failure="ignore")))}


def evaluation(run: str, images: int, on_the_way: bool) -> Callable[[], dict[str, Any]]:
    """One pass of `evaluate` over a run's own samples, which stand for its data."""
    _settle()
    flow = RunFolder.open(run).load_best()
    x = flow.to_images(flow.sample(images, seed=1)).numpy()
    nats = DEFAULT_BIAS * flow.dimension * math.log(2)
    evaluate = ImageEvaluator(flow, num_terms=None if on_the_way else certify(flow).num_terms(nats))

    def timed() -> dict[str, Any]:
        found = evaluate(x, max_passes=1)
        return {"bits_per_dim": found.mean, "num_terms": found.num_terms, "bias_bound": found.bias_bound}

    return timed
