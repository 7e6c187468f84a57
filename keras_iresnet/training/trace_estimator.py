"""The study of the log-det estimator for the best checkpoint of a run."""

import pathlib

from keras_iresnet.analysis.trace_estimator import save_picture, trace_study
from keras_iresnet.training.held_out import held_out_images
from keras_iresnet.training.kind import load_flow
from keras_iresnet.training.run_folder import RunFolder, replacing


def trace_estimator_run(
    path, out, *, images: int = 10, num_terms: int = 20, num_probes: int = 100, seed: int = 0, data_dir=None
) -> tuple[pathlib.Path, ...]:
    """Write `trace_estimator.npz`, `.csv` and `.png` into the folder `out`, which is made if it is not there.

    Args:
        path: the run folder, of an image flow.
        out: the folder to write to.
        images: how many test images.
        num_terms: the largest number of terms.
        num_probes: random probes of each image.
        seed: of the choice of images, the noise and the probes.
        data_dir: TFDS data directory.

    Returns:
        The three paths.

    Raises:
        ValueError: no run folder of an image flow, or numbers that cannot be.
        OSError: the data cannot be read, or the folder not be written.
    """
    run = RunFolder.open(path)
    chosen = held_out_images(run, images, seed=seed, data_dir=data_dir).images
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    study = trace_study(load_flow(run), chosen, num_terms=num_terms, num_probes=num_probes, seed=seed)
    paths = tuple(out / f"trace_estimator.{ending}" for ending in ("npz", "csv", "png"))
    title = f"log-det estimator of {run.read_config()['name']}, {images} test images"
    writers = (study.save, study.save_table, lambda file: save_picture(study, file, title))
    for file, write in zip(paths, writers, strict=True):
        with replacing(file) as temporary:
            write(temporary)
    return paths
