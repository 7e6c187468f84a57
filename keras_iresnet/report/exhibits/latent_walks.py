"""Walks between test images through the latents of released flows: what the authors' command draws, no figure."""

import functools
from typing import Any

import numpy as np

from keras_iresnet.commands.interpolate import latent_walk
from keras_iresnet.report.exhibit import Exhibit, Picture, Shown, Slider
from keras_iresnet.report.exhibits.image_panels import save_grid
from keras_iresnet.report.sources import SOURCES, Sources

FLOWS = ("mnist_flow_small", "fashion_mnist_flow_small", "digits_flow", "digits_flow_conditional", "hybrid_classifier")
PAIRS, STEPS = 16, 13
_COLUMNS = 8


def make(sources: Sources) -> Shown:
    """A slider for each flow, from one image of each pair to the other."""
    arrays: dict[str, Any] = {}
    sliders, settings = [], []
    for name in sources.available(FLOWS):
        flow, held_out = sources.model(name), sources.images(name, 2 * PAIRS)
        labels = held_out.labels if flow.condition_size else None
        walk = latent_walk(flow, held_out.images, labels, steps=STEPS, seed=sources.seed)
        arrays[name] = walk
        frames = {}
        for step, share in enumerate(np.linspace(0, 1, STEPS)):
            images = walk[:, step]
            frames[f"{share:.2f}"] = Picture(
                f"{name}-{step:02d}",
                f"{PAIRS} images of {SOURCES[name].dataset}, {share:.0%} of the way from one test image to another.",
                functools.partial(save_grid, images, flow.bins, columns=_COLUMNS),
            )
        sliders.append(Slider("way", frames, "0.50", f"{name}: {PAIRS} pairs of test images, at 0 and at 1"))
        settings.append(
            f"{sources.told(name)}; spherical paths of latents standardised by the prior, "
            f"{STEPS} steps, seed {sources.seed}."
        )
    beside = [("interpolations", "none in the paper, an option of the authors' command", "above")]
    return Shown(arrays, sliders=sliders, beside=beside, settings=settings)


EXHIBIT = Exhibit(
    "walks",
    "Beyond the figures: from one image to another",
    "The latents of two test images are joined by an arc, and each point of it is turned into an image by the inverse.",
    make,
    released=list(FLOWS),
)
