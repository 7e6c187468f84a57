"""Inverts the best checkpoint of a run on test images."""

from keras_iresnet.evaluation import pictures
from keras_iresnet.evaluation.reconstruction import round_trip
from keras_iresnet.runs.held_out import held_out_images
from keras_iresnet.runs.kind import is_conditional
from keras_iresnet.runs.output import output_file, write
from keras_iresnet.runs.run_folder import RunFolder


def reconstruct_run(path, *, n: int = 32, seed: int = 0, out=None, data_dir: str | None = None):
    """Write test images above what the inverse makes of their latents.

    An inverse that did not converge is in the figures, it is no error: that is what one looks for here.

    Args:
        path: the run folder.
        n: how many images, up to 1,000.
        seed: of the choice of images and of the dequantization noise.
        out: file to write, `.png`, or `.npy` for the integer images (2 m, height, width, channels) of the picture, row
            by row; by default `reconstructions-seed<seed>.png` in the run folder.
        data_dir: TFDS data directory.

    Returns:
        Path of the file, and the figures: `InversionFigures` as a dictionary, and `images`.

    Raises:
        ValueError: no run folder of an image flow, or arguments that cannot be.
        OSError: the file cannot be written, the data cannot be read.
    """
    run = RunFolder.open(path)
    out = output_file(run, out, f"reconstructions-seed{seed}.png")
    model = run.load_best()
    images, labels, splits = held_out_images(run, n, seed=seed, data_dir=data_dir, labels=is_conditional(model))
    found = round_trip(model, images, seed=seed, condition=labels)
    rows = pictures.paired(images, found.examples, splits.bins)
    write(rows, out, lambda file: pictures.save_image(pictures.grid(rows, splits.bins, pictures.PAIRED_COLUMNS), file))
    return out, {"images": n} | found.figures._asdict()
