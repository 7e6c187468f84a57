"""Figures 3 and 7: images back from features, of released networks, and of one without constraint by a record."""

from typing import Any

import numpy as np

from keras_iresnet.evaluation.reconstruction import RECONSTRUCTED
from keras_iresnet.report.exhibit import Exhibit, Picture, Shown
from keras_iresnet.report.exhibits.image_panels import save_rows
from keras_iresnet.report.sources import Sources

CLASSIFIERS = ("digits_classifier", "mnist_classifier_small")
IMAGES = 10
_RECORDED = "reconstructions"  # of digits


def make(sources: Sources) -> Shown:
    """A picture for each released classifier; for the digits with what came back without the constraint."""
    arrays: dict[str, Any] = {}
    pictures, rows, settings = [], [], []
    for name in sources.available(CLASSIFIERS):
        model, images = sources.model(name), sources.images(name, IMAGES).images
        vanilla = None
        if name == CLASSIFIERS[0] and sources.recorded_there([_RECORDED]):
            record = sources.recorded(_RECORDED)
            images, vanilla = record.arrays["originals"][:IMAGES], record.arrays["vanilla"][:IMAGES]
            settings.append(f"Without the constraint: {record.told}")
        back, report = model.invert(model.features(images))
        panels = {"test images": images, "back from the released network, c = 0.9": back.numpy()}
        panels |= {} if vanilla is None else {"back from the same network without the constraint": vanilla}
        arrays |= {
            f"{name}_{key}": x for key, x in zip(("originals", "back", "vanilla"), panels.values(), strict=False)
        }
        rows.append(_row(name, images, back.numpy(), model.bins, float(np.mean(report.steps))))
        rows += [] if vanilla is None else [_row("without the constraint", images, vanilla, model.bins, None)]
        pictures.append(_picture(name, panels, model.bins))
        settings.append(f"{sources.told(name)}; inverted to the solver's own tolerance.")
    beside = [
        ("c = 0.9", "visually perfect, after 100 fixed-point steps a block", _told(rows[0])),
        ("without the constraint, CIFAR-10", "nothing comes back", _told(rows[1]) if len(rows) > 1 else "not recorded"),
        ("without the constraint, MNIST", "comes back, by chance", "none of 200 came back (docs/classifiers.md)"),
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
)
