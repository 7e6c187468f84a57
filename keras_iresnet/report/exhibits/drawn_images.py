"""Figure 5: images drawn from released flows, and what the temperature does to them."""

import functools
from typing import Any

import numpy as np

from keras_iresnet.report.exhibit import Exhibit, Picture, Shown, Slider
from keras_iresnet.report.exhibits.image_panels import save_grid
from keras_iresnet.report.sources import SOURCES, Sources

FLOWS = ("mnist_flow_small", "fashion_mnist_flow_small", "digits_flow", "digits_flow_conditional", "hybrid_classifier")
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
COLUMNS = 8  # and rows of a picture
_ROWS = 5  # of a slider's: one can see it beside the slider on a phone


def make(sources: Sources) -> Shown:
    """Samples of each flow at temperature 1, and a slider through others."""
    arrays: dict[str, Any] = {}
    pictures, sliders, settings = [], [], []
    for name in sources.available(FLOWS):
        flow = sources.model(name)
        images = _draw(sources, name, COLUMNS * COLUMNS, 1.0)
        arrays[name] = images
        pictures.append(
            Picture(
                name,
                f"{len(images)} images drawn from {name}, trained on {SOURCES[name].dataset}, in {COLUMNS} rows.",
                functools.partial(save_grid, images, flow.bins, columns=COLUMNS),
                f"{name} ({SOURCES[name].dataset}), temperature 1, not chosen",
            )
        )
        frames = {}
        for temperature in TEMPERATURES:
            images = _draw(sources, name, COLUMNS * _ROWS, temperature)
            arrays[f"{name}_at_{temperature:g}"] = images
            frames[f"{temperature:g}"] = Picture(
                f"{name}-temperature-{temperature:g}",
                f"{len(images)} images drawn from {name} at temperature {temperature:g}.",
                functools.partial(save_grid, images, flow.bins, columns=COLUMNS),
            )
        sliders.append(Slider("temperature", frames, "1", f"{name}: the same noise, scaled; at 0 all are the mean's."))
        settings.append(f"{sources.told(name)}; seed {sources.seed}.")
    beside = [("samples", "CIFAR-10 (figure 5) and MNIST (appendix F), temperature 1", "below, of the zoo's data sets")]
    return Shown(arrays, pictures, sliders, beside, settings=settings)


def _draw(sources, name, n, temperature):
    """Integer images; of p(x | c) all classes, one after the other."""
    flow = sources.model(name)
    labels = np.arange(n) * flow.condition_size // n if flow.condition_size else None
    drawn = flow.sample(n, sources.seed, temperature=temperature, condition=labels, on_failure="warn")
    return flow.to_images(drawn).numpy()


EXHIBIT = Exhibit(
    "figure-5",
    "Figure 5: images drawn from the flows",
    "The paper shows samples of its flows of CIFAR-10, and of MNIST in appendix F. Here those of the released flows; "
    "the slider scales the latents' distance from the prior's mean, which the paper leaves at 1.",
    make,
    released=list(FLOWS),
)
