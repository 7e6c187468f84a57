"""Table 1: what kind of flow each is, found by running them: a released flow live, trained rivals from a record."""

from typing import Any

import numpy as np

from keras_iresnet.comparison.contestants import CONTESTANTS
from keras_iresnet.comparison.properties import properties_of
from keras_iresnet.comparison.published import published_properties
from keras_iresnet.report.exhibit import Exhibit, Shown
from keras_iresnet.report.sources import Sources

RELEASED, RECORDED = "toy_flow_8gaussians", "compare_8gaussians"
_OURS = "i-ResNet"


def make(sources: Sources) -> Shown:
    """A row for each flow, what the paper says of it at the end."""
    found: dict[str, dict[str, Any]] = {}
    settings = []
    for _ in sources.recorded_there([RECORDED]):
        record = sources.recorded(RECORDED)
        found |= {row["model"]: row for row in record.rows if row["layer"]}
        settings.append(f"Recorded: {record.told}")
    if sources.available([RELEASED]):
        points = next(iter(sources.splits(RELEASED).test.batch(8))).numpy()
        row = properties_of(sources.model(RELEASED), points, seed=sources.seed).columns()
        found = {f"{_OURS}, released": row, **{title: one for title, one in found.items() if title != _OURS}}
        settings.append(f"Released: {RELEASED}, looked at as `keras-iresnet compare` does.")
    names = {one.title: name for name, one in CONTESTANTS.items()}
    rows = [_row(title, row, names[title.partition(",")[0]]) for title, row in found.items()]
    settings.append(
        "Of the layer with the most weights: its dense Jacobian has no entry that is 0 (free-form); its "
        "log-determinant differs between examples (not volume-preserving), and is that of the Jacobian (exact), or is "
        "so in the mean of 400 draws (unbiased). Analytic is what evaluates its network once, and iterates nothing."
    )
    beside = [(row["flow"], row["the paper says"], _told(row)) for row in rows]
    errors = {f"{title} log-det error, nats": np.array(row["log_det_error_nats"]) for title, row in found.items()}
    return Shown(errors, beside=beside, tables={"Found by running": rows}, settings=settings)


def _row(title, row, name):
    return {
        "flow": title,
        "free-form Jacobian": bool(row["free_form"]),
        "analytic forward": row["forward_passes"] <= 1,
        "analytic inverse": bool(row["analytic_inverse"]),
        "non-volume-preserving": not row["volume_preserving"],
        "log-determinant": row["likelihood"],
        "inverse steps": float(row["inverse_steps"]),
        "the paper says": published_properties().get(name),
    }


def _told(row):
    """The row in the paper's words."""
    ticks = ("free-form Jacobian", "analytic forward", "analytic inverse", "non-volume-preserving")
    words = [tick.removesuffix(" Jacobian") for tick in ticks if row[tick]]
    return ", ".join(
        [*words, {"exact": "exact likelihood", "unbiased": "unbiased log-det"}.get(row["log-determinant"], "biased")]
    )


EXHIBIT = Exhibit(
    "table-1",
    "Table 1: what the flows are",
    "The paper ticks off properties of invertible networks. Here they are found by running trained flows of points in "
    "the plane, whose i-ResNet takes its log-determinant by brute force: there its likelihood is exact.",
    make,
    released=[RELEASED],
    recorded=[RECORDED],
)
