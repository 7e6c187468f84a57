"""Figures 4 and 9: what the cut series and its probes cost, on released flows of images."""

from typing import Any

import numpy as np

from keras_iresnet.report.exhibit import Exhibit, Picture, Shown
from keras_iresnet.report.sources import SOURCES, Sources
from keras_iresnet.studies.trace_estimator import save_picture, trace_study

# Jacobians are written out: of digits a moment each, of MNIST ten seconds.
IMAGES = {"digits_flow": 20, "hybrid_classifier": 20, "mnist_flow_small": 2, "fashion_mnist_flow_small": 2}
TERMS, PROBES = 20, 50
SMALL = 1e-3  # bits/dim


def make(sources: Sources) -> Shown:
    """A picture for each released flow of images that is a density p(x)."""
    arrays: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    pictures, settings = [], []
    for name in sources.available(list(IMAGES)):
        images = sources.images(name, IMAGES[name]).images
        study = trace_study(sources.model(name), images, num_terms=TERMS, num_probes=PROBES, seed=sources.seed)
        arrays |= {f"{name}_{key}": getattr(study, key) for key in ("bias", "estimated_bias", "standard_deviation")}
        small = np.flatnonzero(np.abs(study.bias) < SMALL)
        row = {
            "flow": name,
            "terms until the bias is below 0.001 bits/dim": int(small[0]) + 1 if len(small) else None,
            **{f"bias at {n} terms": f"{study.bias[n - 1]:.1e}" for n in (5, 10, 20)},
            "deviation of one probe": float(study.standard_deviation[9]),
        }
        rows.append(row)
        pictures.append(_picture(name, study, len(images), row))
        settings.append(
            f"{sources.told(name)}; {len(images)} test images of {SOURCES[name].dataset}, "
            f"{PROBES} Rademacher probes each; truth by LU factorisation of every block's Jacobian."
        )
    column = "terms until the bias is below 0.001 bits/dim"
    beside = [
        ("terms until the bias is below 0.001 bits/dim", "5 to 10", str(rows[0][column])),
        ("bias at 10 terms, bits/dim", "negligible, over 1,000 test images", rows[0]["bias at 10 terms"]),
        ("bias at 20 terms, bits/dim", "numerically 0", rows[0]["bias at 20 terms"]),
    ]
    return Shown(arrays, pictures, beside=beside, tables={"In bits/dim": rows}, settings=settings)


def _picture(name, study, images, row):
    return Picture(
        name,
        f"Two charts by the number of terms, 1 to {TERMS}. Left: the bias falls along a straight line on a logarithmic "
        f"scale, to {row['bias at 10 terms']} bits/dim at 10 terms. Right: the standard deviation of a probe is level.",
        lambda path: save_picture(study, path, f"{name}, {images} test images"),
        "Left the bias, right the standard deviation of one probe: the variance is that of the trace estimator.",
        chart=True,
    )


EXHIBIT = Exhibit(
    "figures-4-9",
    "Figures 4 and 9: error of the log-determinant",
    "The paper cuts the series of the log-determinant after some terms and takes traces by random probes; it compares "
    "mean and deviation of that with brute force. Here on the released flows.",
    make,
    released=list(IMAGES),
)
