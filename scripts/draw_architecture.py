"""Draws docs/architecture.png, the way of the data: `python scripts/draw_architecture.py [FILE]`."""

import pathlib
import sys

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch

PICTURE = pathlib.Path(__file__).parents[1] / "docs" / "architecture.png"
INK, ROOM, LINE = "#1c2733", "#8a3b00", "#4a5b6c"
WAYS = {"density": "#dcebf7", "samples": "#e3f1de", "classes": "#f6ead3"}

# (way, place from the left, row, what happens, in which room); without a room it is what goes in or comes out.
BOXES = [
    ("density", 0, 3, "images or points", ""),
    ("density", 1, 3, "augment, batch", "data"),
    ("density", 2, 3, "Flow: check,\ndequantize", "models"),
    ("density", 3, 3, "chain of layers\nx + g(x)", "layers"),
    ("density", 4, 3, "latents z,\nlog|det J|", ""),
    ("density", 5, 3, "log p(z)", "priors"),
    ("density", 6, 3, "nats,\nbits/dim", "evaluation"),
    ("samples", 5, 2, "draw z", "priors"),
    ("samples", 3, 2, "inverse by\nfixed points", "layers"),
    ("samples", 2, 2, "to_images", "models"),
    ("samples", 0, 2, "samples", ""),
    ("classes", 0, 1, "labelled images", ""),
    ("classes", 1, 1, "augment, batch", "data"),
    ("classes", 2, 1, "Classifier:\nstandardise", "models"),
    ("classes", 3, 1, "pad channels,\nchain of layers", "layers"),
    ("classes", 4, 1, "features", ""),
    ("classes", 5, 1, "norm, pool,\ndense", "models"),
    ("classes", 6, 1, "probabilities,\nerror", "evaluation"),
    ("classes", 3, 0, "inverse by\nfixed points", "layers"),
    ("classes", 0, 0, "the image again", ""),
]
# Indices of BOXES.
ARROWS = [(i, i + 1) for i in (*range(6), *range(7, 10), *range(11, 17), 18)] + [(15, 18)]
NOTES = [(3.0, "density"), (2.0, "sampling"), (1.0, "classes"), (0.0, "and back")]
WIDTH, HEIGHT, STEP, RISE = 1.55, 0.95, 1.95, 1.45


def centre(box: tuple) -> tuple[float, float]:
    """Where the middle of a box is."""
    _, column, row, _, _ = box
    return column * STEP, row * RISE


def draw_box(axes: plt.Axes, box: tuple) -> None:
    """A rounded box with what happens in it and, below, the room; dashed where it is data alone."""
    way, _, _, text, room = box
    x, y = centre(box)
    style = {"facecolor": WAYS[way] if room else "white", "edgecolor": LINE, "linestyle": "-" if room else "--"}
    corner = (x - WIDTH / 2, y - HEIGHT / 2)
    axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.12", **style))
    axes.text(x, y + (0.13 if room else 0), text, ha="center", va="center", fontsize=10, color=INK)
    if room:
        place = {"ha": "center", "va": "center", "family": "monospace", "fontweight": "bold"}
        axes.text(x, y - 0.33, f"{room}/", fontsize=9, color=ROOM, **place)


def draw_arrow(axes: plt.Axes, start: tuple, end: tuple) -> None:
    """From the near edge of one box to the near edge of the next, along its row or down a row."""
    (x, y), (to_x, to_y) = centre(start), centre(end)
    side = (WIDTH if to_x > x else -WIDTH) / 2
    if y == to_y:
        points = {"xy": (to_x - side, to_y), "xytext": (x + side, y), "connection": "arc3"}
    else:
        points = {
            "xy": (to_x - side, to_y),
            "xytext": (x, y - HEIGHT / 2),
            "connection": "angle,angleA=-90,angleB=0,rad=8",
        }
    properties = {"arrowstyle": "-|>", "color": LINE, "lw": 1.4, "shrinkA": 1, "shrinkB": 1, "mutation_scale": 13}
    axes.annotate("", points["xy"], points["xytext"], arrowprops=properties | {"connectionstyle": points["connection"]})


def draw() -> plt.Figure:
    """The picture, on a background of its own, so that it reads on a dark page too."""
    figure = plt.figure(figsize=(13.6, 5.9), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    for start, end in ARROWS:
        draw_arrow(axes, BOXES[start], BOXES[end])
    for box in BOXES:
        draw_box(axes, box)
    for row, name in NOTES:
        axes.text(-WIDTH / 2 - 0.2, row * RISE, name, ha="right", va="center", fontsize=11, color=INK, style="italic")
    below = (
        "ops/ has the mathematics of layers/;  zoo/ sets the sizes of models;  runs/ trains them and keeps the results."
    )
    axes.text(3 * STEP, -1.0, below, ha="center", va="center", fontsize=11, color=INK)
    axes.set(xlim=(-2.3, 6 * STEP + 1.1), ylim=(-1.4, 3 * RISE + 0.9))
    axes.set_axis_off()
    return figure


def main() -> None:
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    draw().savefig(target, dpi=110, metadata={"Software": None})
    print(target)


if __name__ == "__main__":
    main()
