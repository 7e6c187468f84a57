"""Every figure and table of the paper, from released weights and recorded runs: arrays, pictures, one page."""

import importlib.metadata
import os
import pathlib
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_iresnet.report.entry_files import ARRAYS, ENTRIES, PICTURES, files_of, read_entry, write_entry
from keras_iresnet.report.exhibit import Exhibit, Picture, Shown
from keras_iresnet.report.exhibits import EXHIBITS
from keras_iresnet.report.report_page import report_page
from keras_iresnet.report.sources import Sources
from keras_iresnet.runs.progress import console
from keras_iresnet.runs.run_folder import replacing


class Report(NamedTuple):
    """What a report is made of.

    Attributes:
        paths: of the page, and of all arrays and pictures that it shows.
        rows: what became of each exhibit: `made` now, `kept` from before, or `not there yet`, and its seconds.
    """

    paths: tuple[pathlib.Path, ...]
    rows: list[dict[str, Any]]


def report(
    out: str | os.PathLike,
    *,
    only: Sequence[str] | None = None,
    weights: str | os.PathLike | None = None,
    data_dir: str | os.PathLike | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Report:
    """Write `index.html`, `arrays/NAME.npz` and `pictures/NAME-*.png` into the folder `out`.

    What was made before from the same weights and records is kept, as long as its files are as they were written; what
    there are no weights of yet is named on the page, with the command that trains them.

    Args:
        out: the folder, which is made if it is not there.
        only: names of exhibits, such as `"figure-5"`; all by default.
        weights: folder of presets, as `keras-iresnet release` writes them, in place of those of the package.
        data_dir: TFDS data directory; what was trained on data that are not there is left out.
        seed: of the choice of images, of noise and of samples.
        progress: whether to say on standard error what is made.

    Returns:
        `Report`.

    Raises:
        ValueError: no such exhibit, or a folder without presets.
        OSError: the folder cannot be written.
        NotConvergedError: a flow could not be inverted.

    Example:
    >>> from keras_iresnet.report import report
    >>> found = report("report", only=["figure-1"], progress=False)
    >>> [path.name for path in found.paths], found.rows[0]["state"]
    (['index.html', 'figure-1.npz', 'figure-1-paths.png'], 'made')
    """
    chosen, out = _chosen(only), pathlib.Path(out)
    sources = Sources(weights=weights, data_dir=data_dir, seed=seed)
    for name in (ARRAYS, PICTURES, ENTRIES):
        (out / name).mkdir(parents=True, exist_ok=True)
    said, entries, rows = console(progress), [], []
    for number, exhibit in enumerate(chosen, 1):
        said.print(f"[{number}/{len(chosen)}] {exhibit.title} ...")
        entry, state = _entry(exhibit, sources, out)
        said.print(f"      {state}, {entry['seconds']:.0f} s")
        entries.append(entry)
        rows.append({"exhibit": exhibit.name, "state": state, "seconds": entry["seconds"]})
    page = out / "index.html"
    with replacing(page) as temporary:
        temporary.write_text(report_page(entries, out / PICTURES), encoding="utf-8")
    return Report((page, *(path for entry in entries for path in files_of(entry, out))), rows)


def _chosen(only):
    known = {exhibit.name: exhibit for exhibit in EXHIBITS}
    if only is not None and (not only or not set(only) <= set(known)):
        raise ValueError(f"`only` must be among {', '.join(known)}. Received: only={tuple(only)}")
    return [exhibit for exhibit in EXHIBITS if only is None or exhibit.name in only]


def _entry(exhibit: Exhibit, sources: Sources, out: pathlib.Path):
    """What the page says of an exhibit, and whether it was made now."""
    made_from = {
        "version": importlib.metadata.version("keras-iresnet"),
        "seed": sources.seed,
        **sources.digest(exhibit.released, exhibit.recorded, exhibit.records),
    }
    before = read_entry(exhibit.name, out)
    if before is not None and before["made_from"] == made_from:
        # Words may have changed since, and what is missing has another reason.
        return before | _said_of(exhibit, sources), "kept" if before["there"] else "not there yet"
    begin = time.perf_counter()
    found = [*sources.available(exhibit.released), *sources.recorded_there(exhibit.recorded)]
    there = bool(found) or not (exhibit.released or exhibit.recorded)
    content = _written(exhibit, exhibit.make(sources), out) if there else {}
    entry = {
        **_said_of(exhibit, sources),
        **content,
        "there": there,
        "made_from": made_from,
        "seconds": time.perf_counter() - begin,
    }
    write_entry(entry, out)
    return entry, "made" if there else "not there yet"


def _said_of(exhibit, sources):
    words = {"name": exhibit.name, "title": exhibit.title, "text": exhibit.text}
    return words | {"missing": sources.missing(exhibit.released) | sources.not_recorded(exhibit.recorded)}


def _written(exhibit: Exhibit, shown: Shown, out: pathlib.Path) -> dict[str, Any]:
    """Arrays and pictures are on the disk then; what is returned is the rest, as JSON holds it."""
    arrays = f"{exhibit.name}.npz"
    with replacing(out / ARRAYS / arrays) as temporary:
        content: dict[str, Any] = {name.replace("/", "-"): np.asarray(x) for name, x in shown.arrays.items()}
        np.savez_compressed(temporary, **content)

    def drawn(picture: Picture) -> dict[str, Any]:
        name = f"{exhibit.name}-{picture.name}.png"
        with replacing(out / PICTURES / name) as temporary:
            picture.draw(temporary)
        return {"file": name, "alt": picture.alt, "caption": picture.caption, "chart": picture.chart}

    sliders = [
        {
            "label": slider.label,
            "start": slider.start,
            "caption": slider.caption,
            "frames": {value: drawn(picture) for value, picture in slider.frames.items()},
        }
        for slider in shown.sliders
    ]
    return {
        "arrays": arrays,
        "pictures": [drawn(picture) for picture in shown.pictures],
        "sliders": sliders,
        "beside": [list(row) for row in shown.beside],
        "tables": {heading: [dict(row) for row in rows] for heading, rows in shown.tables.items()},
        "settings": list(shown.settings),
    }
