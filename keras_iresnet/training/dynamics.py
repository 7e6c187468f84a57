"""The paths through a 1-D network as an experiment: Behrmann et al., ICML 2019, figure 1."""

from keras_iresnet.analysis.dynamics import save_picture, train_dynamics
from keras_iresnet.training.study import write_study

SIZES = {
    "tiny": {"blocks": 8, "units": (16,), "steps": 200},
    "minutes": {"blocks": 20, "units": (64, 64), "steps": 3000},
    "paper": {"blocks": 100, "units": (64, 64, 64), "steps": 20_000},
}
MODELS = {"plain": None, "invertible": 0.97}


def dynamics(out, *, size: str = "minutes", seed: int = 0):
    """Train both networks; write `dynamics.npz`, `.csv`, `.md` and `.png`.

    Args:
        out: folder for the results.
        size: a key of `SIZES`.
        seed: of the weights, the points and the noise.

    Returns:
        The four paths, and the rows of the table: a network each.

    Raises:
        ValueError: no such size.
    """
    if size not in SIZES:
        raise ValueError(f"`size` must be one of {', '.join(SIZES)}. Received: size={size!r}")
    found = {label: train_dynamics(coeff, **SIZES[size], seed=seed) for label, coeff in MODELS.items()}
    rows = [
        {
            "model": label,
            "coeff": MODELS[label],
            "rms_error_at_half_depth": one.half_error,
            "rms_error_at_the_end": one.end_error,
            "crossing_pairs": one.crossings,
            "closest_relative_gap": one.closest,
        }
        for label, one in found.items()
    ]
    arrays = {label: one.paths for label, one in found.items()}
    paths = write_study(out, "dynamics", arrays=arrays, rows=rows, picture=lambda file: save_picture(found, file))
    return paths, rows
