import matplotlib.image
import numpy as np
import pytest

from keras_iresnet import layers
from keras_iresnet.evaluation import pictures
from keras_iresnet.models import Flow
from keras_iresnet.priors import StandardNormal


def _image(path):
    return np.round(matplotlib.image.imread(path)[..., :3] * 255).astype(np.uint8)


def test_grid_places_images_row_by_row_and_stretches_the_bins():
    images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1) * np.ones((1, 4, 4, 1), np.uint8)
    whole = pictures.grid(images, bins=3, min_side=8)
    assert whole.shape == (17, 17, 3)
    assert whole.dtype == np.uint8
    corners = whole[:8, :8], whole[:8, 9:], whole[9:, :8], whole[9:, 9:]
    assert [set(corner.ravel().tolist()) for corner in corners] == [{0}, {128}, {255}, {255}]
    assert (whole[8] == 255).all()  # the line between the rows


def test_grid_enlarges_without_smoothing_and_keeps_colours():
    images = np.random.default_rng(0).integers(0, 256, (1, 3, 5, 3), np.uint8)
    whole = pictures.grid(images, min_side=6)
    assert whole.shape == (6, 10, 3)
    np.testing.assert_array_equal(whole[::2, ::2], images[0])
    np.testing.assert_array_equal(whole[1::2, 1::2], images[0])


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 8, 2), (0, 8, 8, 1)])
def test_grid_refuses_what_is_no_batch_of_images(shape):
    with pytest.raises(ValueError, match="Received: shape="):
        pictures.grid(np.zeros(shape, np.uint8))


def test_saved_image_holds_the_pixels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    pictures.save_image(pixels, tmp_path / "x.png")
    np.testing.assert_array_equal(_image(tmp_path / "x.png"), pixels)


@pytest.fixture(scope="module")
def panels():
    data = np.random.default_rng(0).normal([1.0, -2.0], [0.5, 1.5], (2000, 2)).astype("float32")
    flow = Flow(layers.Chain([layers.ActNorm()]), (2,), prior=StandardNormal())
    flow.initialize(data)
    stray = np.float32([[9, 0]])  # puts the peak left of the middle of the square, on its height
    return pictures.plane_panels(flow, np.concatenate([data, stray]), data[:10], resolution=80)


def test_density_over_the_plane_integrates_to_one_and_peaks_where_the_data_are(panels):
    left, right, bottom, top = panels.extent
    assert right - left == pytest.approx(top - bottom)
    cell = (right - left) * (top - bottom) / panels.density.size
    assert panels.density.sum() * cell == pytest.approx(1, abs=0.01)
    row, column = np.unravel_index(panels.density.argmax(), panels.density.shape)
    assert left + (column + 0.5) / 80 * (right - left) == pytest.approx(1, abs=0.15)
    assert bottom + (row + 0.5) / 80 * (top - bottom) == pytest.approx(-2, abs=0.3)


def test_panels_are_drawn_with_the_density_the_right_way_up(panels, tmp_path):
    pictures.save_plane_panels(panels, tmp_path / "x.png")
    image = _image(tmp_path / "x.png")
    assert image.shape[1] > 2.5 * image.shape[0]
    # viridis' dark end fills the density's panel and nothing else: find it, then its brightest pixel
    rows, columns = np.nonzero((image == image_floor(image)).all(-1))
    panel = image[rows.min() : rows.max(), columns.min() : columns.max()].astype(int)
    bright_row, bright_column = np.unravel_index(
        (panel[..., 0] + panel[..., 1] - panel[..., 2]).argmax(), panel.shape[:2]
    )
    peak_row, peak_column = np.unravel_index(panels.density.argmax(), panels.density.shape)
    assert bright_column / panel.shape[1] == pytest.approx(peak_column / 80, abs=0.03)
    assert 1 - bright_row / panel.shape[0] == pytest.approx(peak_row / 80, abs=0.03)


def image_floor(image):
    """Viridis at 0."""
    return np.array([68, 1, 84], np.uint8) if (image == [68, 1, 84]).all(-1).any() else pytest.fail("no density drawn")
