"""Figure 1: paths through a plain network and an invertible one in one dimension, from a recorded run."""

from keras_iresnet.report.exhibit import Exhibit, Picture, Shown
from keras_iresnet.report.sources import Sources
from keras_iresnet.studies.dynamics import POINTS, Dynamics, save_picture


def make(sources: Sources) -> Shown:
    """The paths of both networks."""
    record = sources.recorded("dynamics")
    found = {
        row["model"]: Dynamics(record.arrays[row["model"]], row["rms_error_at_half_depth"], row["rms_error_at_the_end"])
        for row in record.rows
    }
    crossings = {label: one.crossings for label, one in found.items()}
    told = ", ".join(f"{label}: {count} of {POINTS - 1}" for label, count in crossings.items())
    picture = Picture(
        "paths",
        "Two panels of curves from left to right, block by block. In the plain network some of them meet or cross; in "
        f"the invertible one they keep their order. Neighbouring pairs that cross: {told}.",
        lambda path: save_picture(found, path),
        "The dotted line is half depth, where the networks learn a noisy cube; at the end they learn the identity.",
        chart=True,
    )
    beside = [
        ("pairs of neighbouring paths that cross, plain network", "some cross and collapse", str(crossings["plain"])),
        ("the same, invertible network", "none", str(crossings["invertible"])),
    ]
    blocks = len(found["plain"].paths) - 1
    settings = [
        f"Two networks of {blocks} blocks, the invertible one with c = 0.97; {POINTS} points of [-2, 2].",
        f"Recorded: {record.told}",
    ]
    return Shown(
        dict(record.arrays), [picture], beside=beside, tables={"Both networks": record.rows}, settings=settings
    )


EXHIBIT = Exhibit(
    "figure-1",
    "Figure 1: paths in one dimension",
    "The paper has two networks map [-2, 2] to a noisy cube at half depth and back to a noisy identity at the end. "
    "Paths of an ordinary residual network cross and collapse, so it is no density model; those of an invertible one "
    "do not.",
    make,
    recorded=["dynamics"],
)
