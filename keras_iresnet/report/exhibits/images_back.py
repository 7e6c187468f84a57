"""Figures 3 and 7: images back from features, of released networks, and of one without constraint by a record."""

from typing import Any

import numpy as np

from keras_iresnet.evaluation.reconstruction import RECONSTRUCTED
from keras_iresnet.report.exhibit import Exhibit, Picture, Shown
from keras_iresnet.report.exhibits.image_panels import save_rows
from keras_iresnet.report.sources import Sources

CLASSIFIERS = ("digits_classifier", "mnist_classifier_small")
IMAGES = 10
_OF_DIGITS, _RECORDED = "digits_classifier", "reconstructions"
_BINS = 17  # values of a pixel of the digits
_FREE = "back from the same network without the constraint"


def make(sources: Sources) -> Shown:
    """A picture for each classifier; for the digits with what came back without the constraint."""
    arrays: dict[str, Any] = {}
    pictures, rows, settings = [], [], []
    record = sources.recorded(_RECORDED) if sources.recorded_there([_RECORDED]) else None
    for name in CLASSIFIERS:
        kept = record.arrays if record and name == _OF_DIGITS else None
        if sources.available([name]):
            model = sources.model(name)
            images = kept["originals"][:IMAGES] if kept else sources.images(name, IMAGES).images
            back, report = model.invert(model.features(images))
            bins, told, steps = model.bins, "back from the released network, c = 0.9", float(np.mean(report.steps))
            settings.append(f"{name}: {sources.told(name)}; inverted to the solver's own tolerance.")
        elif kept:
            images, back, bins, steps = kept["originals"][:IMAGES], kept["coeff-0.9"][:IMAGES], _BINS, None
            told = "back at c = 0.9"
        else:
            continue
        panels = {"test images": images, told: np.asarray(back)}
        rows.append(_row(f"{name}, {told}", images, panels[told], bins, steps))
        if kept:
            panels[_FREE] = kept["vanilla"][:IMAGES]
            rows.append(_row(_FREE, images, panels[_FREE], bins, None))
        arrays |= {
            f"{name}_{key}": x for key, x in zip(("originals", "back", "vanilla"), panels.values(), strict=False)
        }
        pictures.append(_picture(name, panels, bins))
    settings += [f"Without the constraint: {record.told}"] if record else []
    free = next((_told(row) for row in rows if row["network"] == _FREE), "not recorded")
    beside = [
        ("c = 0.9", "visually perfect, after 100 fixed-point steps a block", _told(rows[0])),
        ("without the constraint, CIFAR-10", "nothing comes back", f"{free}, of 8x8 digits"),
        ("without the constraint, MNIST", "comes back, by chance", "not recorded"),
    ]
    return Shown(arrays, pictures, beside=beside, tables={"Images that came back": rows}, settings=settings)


def _row(label, originals, back, bins, steps):
    errors = np.abs(back - originals / (bins - 1)).mean((1, 2, 3))
    errors = np.where(np.isfinite(errors), errors, np.inf)
    return {
        "network": label,
        "images": len(originals),
        "came back": int((errors < RECONSTRUCTED).sum()),
        "worst_mean_abs_error": float(errors.max()) if np.isfinite(errors).all() else None,
        "fixed_point_steps": steps,
    }


def _told(row):
    return f"{row['came back']} of {row['images']} came back to within {RECONSTRUCTED:g} a pixel"


def _picture(name, panels, bins):
    return Picture(
        name,
        f"Rows of the same {IMAGES} images. " + "; ".join(panels) + ".",
        lambda path: save_rows(panels, bins, path),
        f"{name}: {'; '.join(panels)}. Grey is what is no number any more.",
    )


EXHIBIT = Exhibit(
    "figures-3-7",
    "Figures 3 and 7: images back from features",
    "The paper turns features of trained classifiers back into images, of CIFAR-10 (figure 3) and of MNIST and "
    "CIFAR-10 (figure 7). With c = 0.9 they come back; without the constraint they do not, but MNIST happened to.",
    make,
    released=list(CLASSIFIERS),
    recorded=[_RECORDED],
)
