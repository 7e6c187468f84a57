"""Inverts the best checkpoint of a run on test images."""

import os
import pathlib

from keras_iresnet.commands.arguments import check_at_least
from keras_iresnet.evaluation import pictures
from keras_iresnet.evaluation.reconstruction import round_trip
from keras_iresnet.runs.held_out import FIRST, held_out_images
from keras_iresnet.runs.kind import is_conditional
from keras_iresnet.runs.output import output_file, write
from keras_iresnet.runs.run_folder import RunFolder


def reconstruct_run(
    run: str | os.PathLike,
    *,
    n: int = 32,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    dataset: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
) -> tuple[pathlib.Path, dict]:
    """Write test images above what the inverse makes of their latents.

    An inverse that did not converge is in the figures, it is no error: that is what one looks for here.

    Args:
        run: the run folder.
        n: how many images, up to 1,000.
        seed: of the choice of images and of the dequantization noise.
        out: file to write, `.png`, or `.npy` for the integer images (2 m, height, width, channels) of the picture, row
            by row; by default `reconstructions-seed<seed>.png` in the run folder.
        dataset: where files of one's own are now, if they were moved.
        data_dir: TFDS data directory.

    Returns:
        Path of the file, and the figures: `InversionFigures` and `ErrorFigures` as a dictionary, and `images`.

    Raises:
        ValueError: no run folder of images, arguments that cannot be, or more images than there are.
        OSError: the file cannot be written, the data cannot be read.
    """
    if not 1 <= n <= FIRST:
        raise ValueError(f"`n` must lie in 1 to {FIRST}. Received: n={n}")
    check_at_least(0, seed=seed)
    folder = RunFolder.open(run)
    out = output_file(folder, out, f"reconstructions-seed{seed}.png")
    model = folder.load_best()
    images, labels, _ = held_out_images(
        folder, n, seed=seed, data_dir=data_dir, labels=is_conditional(model), dataset=dataset
    )
    found = round_trip(model, images, seed=seed, condition=labels, errors=True)
    assert found.errors is not None  # they were asked for
    rows = pictures.paired(images, found.examples, model.bins)
    write(rows, out, lambda file: pictures.save_image(pictures.grid(rows, model.bins, pictures.PAIRED_COLUMNS), file))
    return out, {"images": n} | found.figures._asdict() | found.errors._asdict()
