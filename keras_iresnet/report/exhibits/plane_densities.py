"""Figure 2: densities in the plane, ours from released weights, Glow's from recorded comparisons."""

from typing import Any

import numpy as np

from keras_iresnet.evaluation import pictures
from keras_iresnet.evaluation.log_likelihood import evaluate_log_likelihood
from keras_iresnet.report.exhibit import Exhibit, Picture, Shown
from keras_iresnet.report.exhibits.image_panels import save_panels
from keras_iresnet.report.recorded_runs import PLANE_CELLS, PLANE_POINTS
from keras_iresnet.report.sources import Sources, records_on

TOYS = ("8gaussians", "checkerboard", "moons")
_RELEASED = {toy: f"toy_flow_{toy}" for toy in TOYS}
_RECORDED = {toy: f"glow_{toy}" for toy in TOYS}
SAMPLES = 3000


def make(sources: Sources) -> Shown:
    """A picture for each toy that there are weights of, or a recorded Glow."""
    shown = [
        _toy(sources, toy)
        for toy in TOYS
        if sources.available([_RELEASED[toy]]) or sources.recorded_there([_RECORDED[toy]])
    ]
    arrays = {f"{toy}_{name}": array for toy, panels, *_ in shown for name, array in panels.items()}
    return Shown(
        arrays,
        [picture for *_, picture, _, _ in shown],
        beside=[
            ("densities", "i-ResNet's fits edges and gaps better than Glow's, by eye", "above, and by number below")
        ],
        tables={"Log-likelihood of test points, nats": [row for *_, row, _ in shown]},
        settings=[line for *_, lines in shown for line in lines],
    )


def _toy(sources, toy):
    """Name, panels, picture, row of the table, settings."""
    panels: dict[str, np.ndarray] = {}
    row: dict[str, Any] = {"toy": toy, "i-ResNet": None}
    settings = []
    if sources.available([_RELEASED[toy]]):
        flow, splits = sources.model(_RELEASED[toy]), sources.splits(_RELEASED[toy])
        points = next(iter(splits.test.batch(PLANE_POINTS))).numpy()
        samples = flow.sample(SAMPLES, sources.seed, on_failure="warn").numpy()
        drawn = pictures.plane_panels(flow, points, samples, resolution=PLANE_CELLS)
        extent = drawn.extent
        panels |= {"data": points[:SAMPLES], "i-ResNet": drawn.density, "its samples": samples}
        known = evaluate_log_likelihood(flow, points)
        row["i-ResNet"] = f"{known.mean:.3f} ± {known.standard_error:.3f}"
        settings.append(
            f"{toy}: {sources.told(_RELEASED[toy])}; density in {PLANE_CELLS} x {PLANE_CELLS} cells, nats of "
            f"{len(points):,} test points, with exact log-determinants."
        )
    row["Glow"] = None
    for _ in sources.recorded_there([_RECORDED[toy]]):
        record = sources.recorded(_RECORDED[toy])
        extent = tuple(record.arrays["extent"].tolist())
        panels["Glow"] = record.arrays["density"].astype(float)
        (found,) = record.rows
        nats, error = (found[f"test_log_likelihood_nats{ending}"] for ending in ("", "_standard_error"))
        row["Glow"] = f"{nats:.3f} ± {error:.3f}, {found['steps']:,} steps, {found['parameters']:,} parameters"
        settings.append(f"{toy}: recorded {record.told}")
    row["to compare with"] = _yardstick(toy)
    picture = Picture(
        toy,
        f"Side by side over the same square, for the toy {toy}: {', '.join(panels)}.",
        lambda path: save_panels(panels, extent, path),
        f"{toy}: {', '.join(panels)}; densities are brighter where they are higher.",
    )
    return toy, {name: np.asarray(x, np.float32) for name, x in panels.items()}, picture, row, settings


def _yardstick(toy):
    """What the zoo's record compares its figure with."""
    marks = [one.yardstick for one in records_on("toy_flow", f"toy/{toy}") if one.yardstick]
    return f"{marks[0].value:.3f}, {marks[0].of}" if marks else None


EXHIBIT = Exhibit(
    "figure-2",
    "Figure 2: densities in the plane",
    "The paper sets an i-ResNet of 100 blocks beside Glow with 100 couplings on toys in the plane, with "
    "log-determinants by brute force. Here it is the released flow of 16 blocks, and Glow of as many couplings and "
    "about as many parameters.",
    make,
    released=list(_RELEASED.values()),
    recorded=list(_RECORDED.values()),
    records=["toy_flow"],
)
