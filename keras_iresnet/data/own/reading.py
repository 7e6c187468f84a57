"""How a user's own files are to be read: the options of `keras_iresnet.data.load`, and of `train`."""

import dataclasses
import math
import os
import pathlib
from typing import Any

FITS = ("crop", "stretch")
COLORS = ("auto", "grey", "rgb")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """How files of one's own are read, and split.

    Args:
        image_size: height and width that pictures are brought to, or one number for both; needed where they differ.
        fit: how pictures get that size: `"crop"` to scale them until they cover it and cut the rest off on both sides,
            or `"stretch"`.
        color: `"grey"` or `"rgb"` for pictures of 1 or 3 channels; `"auto"` makes them grey where all files are.
        skip_unreadable: whether pictures that cannot be read are left out and counted, rather than refused.
        bins: values of a pixel of arrays of images, 0 to `bins - 1`.
        columns: columns of a table to use; all but the label by default.
        target: columns of a table whose density is wanted given all others.
        label: column of a table that holds the class.
        positive: columns of a table that are above 0, as a price is; no density lies elsewhere.
        bounds: name, lower and upper bound of each column of a table that lies between two numbers, both excluded, as
            `("moisture", 0, 100)`; no density lies elsewhere.
        dequantize: columns of few values that get uniform noise as wide as the step between the values.
        validation_data: file or folder to validate on, of the form of the data set; a part of it by default.
        test_data: file or folder to test on; a part of the data set by default.
        validation_share: share of the data set held out for validation, where no file is given for it.
        test_share: share of the data set held out for the test, where no file is given for it.
        split_seed: seed of what is held out, and of the noise of `dequantize`.

    Raises:
        ValueError: an option that cannot be.

    Example:
    >>> from keras_iresnet.data import Reading
    >>> Reading(image_size=(32,)).image_size
    (32, 32)
    >>> Reading(color="blue")
    Traceback (most recent call last):
    ValueError: `color` must be one of auto, grey, rgb. Received: color='blue'
    """

    image_size: tuple[int, ...] | None = None
    fit: str = "crop"
    color: str = "auto"
    skip_unreadable: bool = False
    bins: int = 256
    columns: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    label: str | None = None
    positive: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    dequantize: tuple[str, ...] = ()
    validation_data: str | None = None
    test_data: str | None = None
    validation_share: float = 0.1
    test_share: float = 0.1
    split_seed: int = 0

    def __post_init__(self) -> None:
        size = self.image_size
        if size is not None:
            object.__setattr__(self, "image_size", tuple(size) * 2 if len(size) == 1 else tuple(size))
            self._require(len(size) in (1, 2) and min(size) >= 1, "image_size", "one or two numbers of at least 1")
        for field in ("columns", "target", "positive", "dequantize"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        object.__setattr__(self, "bounds", tuple(map(str, self.bounds)))
        self._require(
            self.bounded is not None, "bounds", "a name and two numbers, the lower one first, for each column"
        )
        for field in ("validation_data", "test_data"):  # runs are read again from other working directories
            path = getattr(self, field)
            object.__setattr__(self, field, path and os.path.abspath(path))
        self._require(self.fit in FITS, "fit", f"one of {', '.join(FITS)}")
        self._require(self.color in COLORS, "color", f"one of {', '.join(COLORS)}")
        self._require(2 <= self.bins <= 65536, "bins", "in 2 to 65536")
        for field in ("validation_share", "test_share"):
            self._require(0 < getattr(self, field) < 1, field, "in (0, 1)")
        self._require(self.validation_share + self.test_share < 1, "test_share", "below 1 with `validation_share`")
        self._require(self.split_seed >= 0, "split_seed", "at least 0")

    @property
    def bounded(self) -> dict[str, tuple[float, float]] | None:
        """Column -> its bounds; `None` where `bounds` cannot be."""
        try:
            numbers = map(float, self.bounds[1::3]), map(float, self.bounds[2::3])
            found = dict(zip(self.bounds[::3], zip(*numbers, strict=True), strict=True))
        except ValueError:
            return None
        return found if all(-math.inf < low < high < math.inf for low, high in found.values()) else None

    def given(self) -> dict[str, Any]:
        """The options that are not the defaults."""
        values = {of.name: (getattr(self, of.name), of.default) for of in dataclasses.fields(self)}
        return {name: value for name, (value, default) in values.items() if value != default}

    def for_files(self, kind: str, *meant: str) -> None:
        """Refuse options that have no effect on a kind of files, beside those of a split.

        Raises:
            ValueError: one was given that is not `meant`.
        """
        splitting = {"validation_data", "test_data", "validation_share", "test_share", "split_seed"}
        if without := sorted(set(self.given()) - splitting - set(meant)):
            raise ValueError(
                f"{kind} must be read without `{without[0]}`. Received: {without[0]}={self.given()[without[0]]!r}"
            )

    def _require(self, holds: bool, field: str, what: str) -> None:
        if not holds:
            raise ValueError(f"`{field}` must be {what}. Received: {field}={getattr(self, field)!r}")


def file_of(path: str | os.PathLike) -> pathlib.Path:
    """The path, of what is there.

    Raises:
        FileNotFoundError: nothing is.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"The data must be a file or a folder that is there. Received: {str(path)!r}")
    return path
