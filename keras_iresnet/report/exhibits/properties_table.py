"""Table 1: what kind of flow each is, found by running small ones."""

from collections.abc import Callable
from typing import Any

import numpy as np

import keras_iresnet as ki
from keras_iresnet.comparison.properties import main_layer, properties_of
from keras_iresnet.comparison.published import published_properties
from keras_iresnet.models import Flow
from keras_iresnet.models.convergence import converge_norms
from keras_iresnet.ops.log_det import LogDetEstimator
from keras_iresnet.report.exhibit import Exhibit, Shown
from keras_iresnet.report.sources import Sources

COLUMNS = 7  # of the rows that they are densities of: up to 6 FFJORD has its trace exactly
EXAMPLES = 60
_SMALL: dict[str, Any] = {"blocks": 2, "units": (8, 8), "seed": 0}


def _iresnet(estimator: LogDetEstimator) -> Callable[[], Flow]:
    def build():
        block = ki.layers.InvertibleResidualBlock(ki.layers.DenseBranch((16, 16), coeff=0.9), estimator=estimator)
        return ki.Flow(ki.layers.Chain([ki.layers.ActNorm(), block, ki.layers.ActNorm()]), (COLUMNS,), seed=0)

    return build


# Title -> builder, and the name by which the paper's table is known.
FLOWS: dict[str, tuple[Callable[[], Flow], str | None]] = {
    "NICE": (lambda: ki.baselines.nice((COLUMNS,), **_SMALL), "nice"),
    "i-RevNet's blocks": (lambda: ki.baselines.irevnet((COLUMNS,), **_SMALL), "irevnet"),
    "Real NVP": (lambda: ki.baselines.real_nvp((COLUMNS,), **_SMALL), "real_nvp"),
    "Glow": (lambda: ki.baselines.glow((COLUMNS,), **_SMALL), "glow"),
    "FFJORD": (lambda: ki.baselines.ffjord((COLUMNS,), **_SMALL | {"blocks": 1}), "ffjord"),
    "i-ResNet, series of 5 terms": (_iresnet(ki.SeriesLogDet(5)), "iresnet"),
    "i-ResNet, Russian roulette": (_iresnet(ki.RouletteLogDet()), None),
}
_TICKS = ("free-form Jacobian", "analytic forward", "analytic inverse", "non-volume-preserving")
_LIKELIHOODS = {"exact": "exact likelihood", "unbiased": "unbiased log-det", "biased": "biased log-det"}


def make(sources: Sources) -> Shown:
    """A row for each flow, what the paper says of it at the end."""
    rows: list[dict[str, Any]] = []
    errors = {}
    rng = np.random.default_rng(sources.seed)
    examples = rng.normal(size=(EXAMPLES, COLUMNS)).astype(np.float32)
    for title, (build, known_as) in FLOWS.items():
        flow = build()
        flow.initialize(examples)
        for weight in main_layer(flow).trainable_weights:  # before that, many a layer is the identity
            weight.assign(0.7 * rng.normal(size=weight.shape))
        converge_norms(flow)  # which are behind the weights now
        found = properties_of(flow, examples, seed=sources.seed)
        errors[title] = np.array([found.log_det_error_nats, found.log_det_standard_error_nats])
        said = published_properties().get(known_as or "", "not in the paper: Residual Flows, 2019")
        rows.append(
            {
                "flow": title,
                "free-form Jacobian": found.free_form,
                "analytic forward": found.forward_passes <= 1,
                "analytic inverse": found.analytic_inverse,
                "non-volume-preserving": not found.volume_preserving,
                "log-determinant": found.likelihood,
                "inverse steps": found.inverse_steps,
                "the paper says": said,
            }
        )
    settings = [
        f"Densities of rows of {COLUMNS} numbers with random weights, of 1 or 2 layers each.",
        "Of the layer with the most weights: its dense Jacobian has no entry that is 0 (free-form); its "
        "log-determinant differs between examples (not volume-preserving), and is that of the Jacobian (exact), or is "
        "so in the mean of 400 draws (unbiased). Analytic is what evaluates its network once, and iterates nothing.",
        "Glow's 1x1 convolutions are inverted here by the factors that they are made of, without iterations; the paper "
        "does not count them as analytic.",
        "From each draw of a residual block the exact quadratic form of the same random vector is taken away, which "
        "takes its noise away: so the bias of a cut series is seen, of some 1e-5 nats too. A bias below four standard "
        "errors is not seen.",
    ]
    beside = [(row["flow"], row["the paper says"], _told(row)) for row in rows]
    return Shown(errors, beside=beside, tables={"Found by running": rows}, settings=settings)


def _told(row):
    """The row in the paper's words."""
    ticks = [tick.removesuffix(" Jacobian") for tick in _TICKS if row[tick]]
    return ", ".join([*ticks, _LIKELIHOODS[row["log-determinant"]]])


EXHIBIT = Exhibit(
    "table-1",
    "Table 1: what the flows are",
    "The paper ticks off properties of invertible networks. Here they are found, by running small flows of each kind.",
    make,
)
