"""Figure 5: images drawn from released flows, and what the temperature does to them."""

import functools
from typing import Any

import numpy as np

from keras_iresnet.report.exhibit import Exhibit, Picture, Shown, Slider
from keras_iresnet.report.exhibits.image_panels import save_grid
from keras_iresnet.report.sources import SOURCES, Sources

FLOWS = ("mnist_flow_small", "fashion_mnist_flow_small", "digits_flow", "digits_flow_conditional", "hybrid_classifier")
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
COLUMNS, ROWS = 8, 5  # of images: one can see them and the slider on a phone


def make(sources: Sources) -> Shown:
    """A slider for each flow, at temperature 1 to begin with."""
    arrays: dict[str, Any] = {}
    sliders, settings = [], []
    for name in sources.available(FLOWS):
        bins, frames = sources.model(name).bins, {}
        for temperature in TEMPERATURES:
            images = _draw(sources, name, temperature)
            arrays[f"{name}_at_{temperature:g}"] = images
            frames[f"{temperature:g}"] = Picture(
                f"{name}-temperature-{temperature:g}",
                f"{len(images)} images drawn from {name}, trained on {SOURCES[name].dataset}, at temperature "
                f"{temperature:g}.",
                functools.partial(save_grid, images, bins, columns=COLUMNS),
            )
        caption = f"{name} ({SOURCES[name].dataset}), not chosen: the same noise, scaled; at 0 all are the mean's."
        sliders.append(Slider("temperature", frames, "1", caption))
        settings.append(f"{sources.told(name)}; seed {sources.seed}.")
    beside = [("samples", "CIFAR-10 (figure 5) and MNIST (appendix F), temperature 1", "above, of the zoo's data sets")]
    return Shown(arrays, sliders=sliders, beside=beside, settings=settings)


def _draw(sources, name, temperature):
    """Integer images; of p(x | c) all classes, one after the other."""
    flow, n = sources.model(name), COLUMNS * ROWS
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
