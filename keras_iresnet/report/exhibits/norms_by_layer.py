"""Figure 6: the largest singular value of every layer, of a released classifier and of recorded others."""

import numpy as np

from keras_iresnet.evaluation.layer_norms import LayerNorm, layer_norms
from keras_iresnet.report.exhibit import Exhibit, Picture, Shown
from keras_iresnet.report.sources import Sources
from keras_iresnet.studies.singular_values import save_picture
from keras_iresnet.studies.sweep import caption

RELEASED, RECORDED = "digits_classifier", "singular_values"
_OWN = "coeff-0.9"


def make(sources: Sources) -> Shown:
    """The norms by depth."""
    norms: dict[str, list[LayerNorm]] = {}
    settings = []
    for _ in sources.recorded_there([RECORDED]):
        record = sources.recorded(RECORDED)
        norms |= _norms_of(record.rows)
        settings.append(f"Recorded: {record.told}")
    if sources.available([RELEASED]):
        norms.pop(_OWN, None)
        norms["released, c = 0.9"] = layer_norms(sources.model(RELEASED))
        settings.append(f"Released: {sources.told(RELEASED)}")
    settings.append("Norms of the operators on their own grids, by SVD of each written out or by Lanczos' method.")
    norms = {caption(label): found for label, found in norms.items()}
    rows = [_row(label, found) for label, found in norms.items()]
    picture = Picture(
        "norms",
        "Chart of the largest singular value by layer, on a logarithmic scale. Networks without the constraint lie "
        "above 1 for the most part; each constrained one lies on its own c.",
        lambda path: save_picture(norms, path),
        "Dotted lines are c; crosses have the scale of the batch normalisation that follows the layer.",
        chart=True,
    )
    arrays = {label: np.array([norm.norm for norm in found]) for label, found in norms.items()}
    free = [row for row in rows if row["c"] is None]
    held = [row for row in rows if row["c"] is not None]
    beside = [
        (
            "layers above 1, without the constraint",
            "about two thirds",
            ", ".join(f"{row['layers above 1']} of {row['layers']} ({row['network']})" for row in free)
            or "not recorded",
        ),
        (
            "largest singular value over c, with it",
            "roughly 1, in every layer",
            ", ".join(f"{row['largest'] / row['c']:.3f} ({row['network']})" for row in held),
        ),
    ]
    return Shown(arrays, [picture], beside=beside, tables={"Largest singular values": rows}, settings=settings)


def _norms_of(rows):
    """Label -> norms, from the rows of `figures singular-values`."""
    found: dict[str, list[LayerNorm]] = {}
    for row in rows:
        if not row["diverged"]:
            fields = {name: row[name] for name in ("layer", "norm", "method", "bound", "coeff", "folded_norm")}
            found.setdefault(row["run"], []).append(LayerNorm(**fields))
    return found


def _row(label, found):
    # With batch normalisation, a layer is what the scale after it makes of it.
    norms = np.array([norm.norm if norm.folded_norm is None else norm.folded_norm for norm in found])
    return {
        "network": label,
        "c": found[0].coeff,
        "layers": len(norms),
        "layers above 1": int((norms > 1).sum()),
        "smallest": float(norms.min()),
        "largest": float(norms.max()),
    }


EXHIBIT = Exhibit(
    "figure-6",
    "Figure 6: singular values, layer by layer",
    "The paper has the largest singular value of every convolution of trained classifiers of CIFAR-10: without the "
    "constraint about two thirds of the layers lie above 1, with it all lie near c. Here those of 8x8 digits.",
    make,
    released=[RELEASED],
    recorded=[RECORDED],
)
