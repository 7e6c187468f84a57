"""`reconstruct_run` and `interpolate_run` on a run folder that no training made: a checkpoint and a config do."""

import itertools

import hypothesis
import hypothesis.strategies as st
import matplotlib.image
import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.commands import interpolate_run, reconstruct_run
from keras_iresnet.commands.interpolate import latent_path
from keras_iresnet.layers import NotConvergedError
from keras_iresnet.runs import RunFolder


def _run(path, flow, dataset):
    run = RunFolder.create(path)
    run.save(run.best, flow)
    run.write_json(run.config, {"name": "image_flow", "builder": {}, "recipe": {"dataset": dataset, "seed": 0}})
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    flow = ki.zoo.digits_flow(blocks=(1,), channels=4, seed=0)
    flow.initialize(next(iter(data.load("digits").train.batch(500))))
    return _run(tmp_path_factory.mktemp("runs") / "digits", flow, "digits")


def _test_images():
    return np.stack(list(data.load("digits").test.as_numpy_iterator()))


def _are_test_images(images):
    held = {image.tobytes() for image in _test_images()}
    return [image.tobytes() in held for image in images]


def test_originals_are_distinct_test_images_above_their_reconstructions(run, tmp_path):
    path, figures = reconstruct_run(run.path, n=11, seed=4, out=tmp_path / "x.npy")
    rows = np.load(path).reshape(2, 2, 8, 8, 8, 1)  # (row of pairs, above or below, column, image)
    originals, reconstructions = (rows[:, i].reshape(16, 8, 8, 1)[:11] for i in (0, 1))
    assert all(_are_test_images(originals))
    assert len({image.tobytes() for image in originals}) == 11
    np.testing.assert_array_equal(originals, reconstructions)
    assert figures["images"] == 11
    assert 0 < figures["max_abs_error"] < 1e-5
    assert figures["not_converged"] == 0


def test_reconstruct_run_writes_a_picture_named_by_the_seed(run):
    path, _ = reconstruct_run(run.path, n=8, seed=5)
    assert path == run.path / "reconstructions-seed5.png"
    assert matplotlib.image.imread(path).shape[:2] == (2 * 49 - 1, 8 * 49 - 1)


def test_a_seed_chooses_the_images(run, tmp_path):
    arrays = [np.load(reconstruct_run(run.path, n=8, seed=seed, out=tmp_path / "x.npy")[0]) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(arrays[0], arrays[1])
    assert (arrays[0] != arrays[2]).any()


@pytest.mark.parametrize("method", ["spherical", "linear"])
def test_paths_lead_from_test_image_to_test_image(run, tmp_path, method):
    images = np.load(interpolate_run(run.path, pairs=3, steps=5, method=method, out=tmp_path / "x.npy"))
    assert (images.shape, images.dtype) == ((3, 5, 8, 8, 1), np.uint8)
    for row in images:
        assert _are_test_images(row) == [True, False, False, False, True]
        steps = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(row)]
        assert max(steps) < np.abs(row[0].astype(int) - row[-1]).mean()


def test_the_two_methods_differ_and_temperature_draws_to_the_mean(run, tmp_path):
    def walk(**options):
        return np.load(interpolate_run(run.path, pairs=6, steps=3, out=tmp_path / "x.npy", **options)).astype(float)

    plain = walk()
    assert (plain != walk(method="linear")).any()
    cold = walk(temperature=0.1)
    assert cold.std(axis=(0, 1)).mean() < 0.5 * plain.std(axis=(0, 1)).mean()


def test_interpolate_run_names_its_picture_by_the_settings(run):
    path = interpolate_run(run.path, pairs=2, steps=4, method="linear", seed=2, temperature=0.5)
    assert path == run.path / "interpolation-linear-seed2-temperature0.5.png"
    assert matplotlib.image.imread(path).shape[:2] == (2 * 49 - 1, 4 * 49 - 1)


@hypothesis.given(seed=st.integers(0, 1000), steps=st.integers(2, 7), dimension=st.integers(2, 6), linear=st.booleans())
def test_latent_paths_are_straight_lines_or_arcs(seed, steps, dimension, linear):
    first, last = np.random.default_rng(seed).normal(size=(2, 3, dimension))
    path = latent_path(first, last, steps, "linear" if linear else "spherical")
    assert path.shape == (3, steps, dimension)
    np.testing.assert_allclose(path[:, 0], first, atol=1e-12)
    np.testing.assert_allclose(path[:, -1], last, atol=1e-12)
    if linear:
        np.testing.assert_allclose(np.diff(path, n=2, axis=1), 0, atol=1e-12)
        return
    # Between ends of one length the arc has that length everywhere, and turns by the same angle at each step.
    unit = [end / np.linalg.norm(end, axis=-1, keepdims=True) for end in (first, last)]
    arc = latent_path(*unit, steps)
    np.testing.assert_allclose(np.linalg.norm(arc, axis=-1), 1, atol=1e-9)
    cosines = np.sum(arc[:, 1:] * arc[:, :-1], -1)
    np.testing.assert_allclose(cosines, np.broadcast_to(cosines[:, :1], cosines.shape), atol=1e-9)


@pytest.mark.parametrize("last", [[2.0, 4.0], [1.0, 2.0], [0.0, 0.0], [-1.0, -2.0]])
def test_parallel_ends_are_joined_by_a_line(last):
    path = latent_path(np.array([[1.0, 2.0]]), np.array([last]), 3)
    np.testing.assert_allclose(path[0], [[1, 2], (np.array([1, 2]) + last) / 2, last], atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: reconstruct_run(run, n=0), "`n` must lie in 1 to 1000. Received: n=0"),
        (lambda run: reconstruct_run(run, n=361), "`n` must lie in 1 to 360. Received: n=361"),
        (lambda run: reconstruct_run(run, out="x.gif"), r"must end in \.png or \.npy"),
        (lambda run: interpolate_run(run, pairs=0), "`pairs` must be at least 1. Received: pairs=0"),
        (lambda run: interpolate_run(run, pairs=181), "`pairs` must lie in 1 to 180. Received: pairs=181"),
        (lambda run: interpolate_run(run, steps=1), "`steps` must be at least 2.* Received: steps=1"),
        (lambda run: interpolate_run(run, method="cubic"), "spherical, linear. Received: method='cubic'"),
    ],
)
def test_bad_arguments_are_refused(run, call, message):
    with pytest.raises(ValueError, match=message):
        call(run.path)


@pytest.mark.parametrize("command", [reconstruct_run, interpolate_run])
def test_a_run_of_points_has_no_pictures_of_this_kind(command, tmp_path):
    run = _run(tmp_path / "toy", ki.zoo.toy_flow(blocks=1, units=(4,)), "toy/moons")
    with pytest.raises(ValueError, match="`run` must be one of images"):
        command(run.path)


def test_an_interpolation_that_cannot_be_inverted_is_an_error(run, tmp_path):
    with pytest.raises(NotConvergedError):
        interpolate_run(run.path, pairs=2, temperature=float("inf"), out=tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []
