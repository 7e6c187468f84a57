"""Pictures of all kinds brought to one form: grey or colour in 8 bits, of one size.

The rule: a picture is turned as its EXIF entry says; transparency is laid over white; 16 bits a pixel are divided by
257; a palette counts as colour; of an animation the first frame is taken.
"""

import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_GREY = ("1", "L", "LA", "La", "I")
_ORIENTATION = 0x0112  # of EXIF


def is_grey(image: "Image.Image") -> bool:
    """Whether a picture has one channel, by its mode."""
    return image.mode in _GREY or image.mode.startswith("I;16")


def shown_size(image: "Image.Image") -> tuple[int, int]:
    """Height and width, turned as EXIF says."""
    width, height = image.size
    return (width, height) if image.getexif().get(_ORIENTATION, 1) >= 5 else (height, width)


def one_form(image: "Image.Image", size: tuple[int, ...], channels: int, fit: str = "crop") -> np.ndarray:
    """A picture as an array.

    Args:
        image: the picture.
        size: height and width.
        channels: 1 for grey, 3 for colour.
        fit: `"crop"` or `"stretch"`, see `Reading`.

    Returns:
        (height, width, channels) uint8.

    Example:
    >>> from PIL import Image
    >>> from keras_iresnet.data.own.picture_form import one_form
    >>> half_clear = Image.new("LA", (6, 4), (0, 127))  # a black pixel, half transparent
    >>> one_form(half_clear, (4, 4), 1)[0, 0].tolist()
    [128]
    """
    from PIL import Image, ImageOps  # here, because only pictures need it

    image = _eight_bits(ImageOps.exif_transpose(image))
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    height, width = size
    if image.size != (width, height):
        smooth = Image.Resampling.BICUBIC
        wanted = (width, height)
        image = ImageOps.fit(image, wanted, smooth) if fit == "crop" else image.resize(wanted, smooth)
    return np.asarray(image, np.uint8).reshape(height, width, channels)


def read_picture(file: str | os.PathLike, size: tuple[int, ...], channels: int, fit: str = "crop") -> np.ndarray:
    """The picture in a file, as by `one_form`.

    Raises:
        OSError: it cannot be read; the message names it.
    """
    from PIL import Image

    try:
        with Image.open(file) as image:
            return one_form(image, size, channels, fit)
    except Exception as error:  # each of Pillow's many readers has words of its own
        raise OSError(f"{os.fspath(file)} must be a picture that can be read. Received: {error}") from error


def _eight_bits(image):
    """A picture of 16 bits a pixel as one of 8; others as they are."""
    from PIL import Image

    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    return Image.fromarray((np.clip(np.asarray(image).astype(np.int64), 0, 65535) // 257).astype(np.uint8))
