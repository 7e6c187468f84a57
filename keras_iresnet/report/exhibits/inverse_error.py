"""Figure 8: how many fixed-point steps a reconstruction takes, of a released classifier and of recorded others."""

import time

import numpy as np

from keras_iresnet.report.exhibit import Exhibit, Picture, Shown
from keras_iresnet.report.sources import Sources
from keras_iresnet.studies.inverse_steps import STEPS, save_picture, steps_study

RELEASED, RECORDED = "digits_classifier", "inverse_steps"
IMAGES = 100
_OWN = "coeff-0.9"
_VISIBLE = 1e-2  # mean absolute error of a pixel in [0, 1] that one may see


def make(sources: Sources) -> Shown:
    """The error by the number of steps."""
    errors, settings, seconds = {}, [], None
    if sources.available([RELEASED]):
        model, images = sources.model(RELEASED), sources.images(RELEASED, IMAGES).images
        errors[_OWN] = steps_study(model, images)
        seconds = _seconds(model, images)
        settings.append(f"c = 0.9: {sources.told(RELEASED)}")
    for _ in sources.recorded_there([RECORDED]):
        record = sources.recorded(RECORDED)
        errors |= {label: x for label, x in record.arrays.items() if label.startswith("coeff") and label not in errors}
        settings.append(f"The others: {record.told}")
    settings.append(f"{IMAGES} test digits; the error is the mean over pixels in [0, 1] and over images.")
    rows = [_row(label, found) for label, found in errors.items()]
    picture = Picture(
        "steps",
        "Chart with both axes logarithmic: the error of reconstructions falls steeply with the number of fixed-point "
        "steps, the faster the smaller c, until it is that of rounding. "
        + " ".join(f"c = {row['c']}: {row['steps until it cannot be seen']} steps." for row in rows),
        lambda path: save_picture(errors, path, f"{IMAGES} test digits"),
        chart=True,
    )
    beside = [
        (
            "steps until the error cannot be seen",
            "5 to 20",
            ", ".join(f"{row[_SEEN]} (c = {row['c']})" for row in rows),
        ),
        (
            "seconds for 100 images",
            "0.15 to 0.75, CIFAR-10 on a GPU",
            "not measured" if seconds is None else f"{seconds:.2f}, 8x8 digits to rounding on this machine",
        ),
    ]
    return Shown({"steps": STEPS, **errors}, [picture], beside=beside, tables={"Error": rows}, settings=settings)


_SEEN = "steps until it cannot be seen"


def _row(label, found):
    mean = found.mean(1)
    return {
        "c": label.removeprefix("coeff-"),
        _SEEN: STEPS[int(np.argmax(mean < _VISIBLE))],
        **{f"error after {n}": float(mean[STEPS.index(n)]) for n in (1, 5, 10, 20)},
    }


def _seconds(model, images):
    """Of an inverse, once it is compiled."""
    import tensorflow as tf

    features = model.features(images)
    invert = tf.function(lambda z: model.invert(z)[0], autograph=False)
    invert(features)
    begin = time.perf_counter()
    invert(features).numpy()
    return time.perf_counter() - begin


EXHIBIT = Exhibit(
    "figure-8",
    "Figure 8: error of the inverse by its steps",
    "The paper inverts classifiers of CIFAR-10 with 1 to 100 fixed-point steps in each block: 5 to 20 are enough for "
    "the eye, and fewer the smaller c is. Here those of 8x8 digits.",
    make,
    released=[RELEASED],
    recorded=[RECORDED],
)
