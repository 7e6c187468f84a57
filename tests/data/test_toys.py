import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_moons

from keras_iresnet.data import toys

CLOSED_FORM = ["8gaussians", "checkerboard"]


def cell_counts(x, cells=40, reach=5.0):
    edges = np.linspace(-reach, reach, cells + 1)
    return np.histogram2d(x[:, 0], x[:, 1], [edges, edges])[0].ravel()


def density_p_value(name, x, cells=40, reach=5.0, fine=10):
    """p-value of a chi-square test that `x` was drawn from `toys.log_prob(name, .)`."""
    points = (np.arange(cells * fine) + 0.5) / (cells * fine) * 2 * reach - reach
    density = np.exp(toys.log_prob(name, np.stack(np.meshgrid(points, points, indexing="ij"), axis=-1)))
    cell = density.reshape(cells, fine, cells, fine).mean(axis=(1, 3)).ravel() * (2 * reach / cells) ** 2
    counts, expected = cell_counts(x, cells, reach), len(x) * cell
    often = expected >= 10
    observed = np.append(counts[often], len(x) - counts[often].sum())
    probable = np.append(expected[often], len(x) - expected[often].sum())
    if probable[-1] < 1e-6 * len(x):  # no cell is rare: then none of them may hold a point
        if observed[-1] > 0:
            return 0.0
        observed, probable = observed[:-1], probable[:-1]
    return stats.chisquare(observed, probable).pvalue


def same_distribution_p_value(a, b):
    """p-value of a chi-square test that two samples come from one distribution."""
    table = np.stack([cell_counts(a), cell_counts(b)])
    often = table.sum(axis=0) >= 20
    table = np.column_stack([table[:, often], table[:, ~often].sum(axis=1)])
    return stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue


def reference_moons(rng, n):
    points, _ = make_moons(n, noise=0.1, random_state=int(rng.integers(2**31)))
    return 2 * points + [-1.0, -0.2]


def reference_rings(rng, n):
    direction = rng.standard_normal((n, 2))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = 3 * np.repeat([0.25, 0.5, 0.75, 1.0], n // 4)[:, None]
    return radius * direction + rng.normal(scale=0.08, size=(n, 2))


def reference_pinwheel(rng, n):
    blades = rng.standard_normal((n, 2)) * [0.3, 0.1] + [1.0, 0.0]
    angle = 2 * np.pi * np.repeat(np.arange(5), n // 5) / 5 + 0.25 * np.exp(blades[:, 0])
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return 2 * np.einsum("ti,ijt->tj", blades, rotation)


def reference_two_spirals(rng, n):
    angle = np.sqrt(rng.random((n // 2, 1))) * np.deg2rad(540)
    arm = np.hstack([-np.cos(angle), np.sin(angle)]) * angle + rng.random((n // 2, 2)) * 0.5
    return np.vstack([arm, -arm]) / 3 + rng.standard_normal((n, 2)) * 0.1


REFERENCES = {
    "2spirals": reference_two_spirals,
    "moons": reference_moons,
    "pinwheel": reference_pinwheel,
    "rings": reference_rings,
}


@pytest.mark.parametrize("name", toys.names())
def test_sample_follows_from_its_seed(name):
    x = toys.sample(name, 1001, seed=3)
    assert x.shape == (1001, 2)
    assert x.dtype == np.float32
    assert np.isfinite(x).all()
    np.testing.assert_array_equal(x, toys.sample(name, 1001, seed=3))
    assert not np.isin(x, toys.sample(name, 1001, seed=4)).all()


@pytest.mark.parametrize("name", toys.names())
def test_points_are_independent_of_their_neighbours(name):
    n = 40_000
    x = toys.sample(name, n, seed=0)
    features = np.column_stack([x, x**2, x[:, 0] * x[:, 1]])
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    correlation = features[1:].T @ features[:-1] / n
    assert np.abs(correlation).max() < 4.5 / np.sqrt(n)


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_sample_has_the_published_distribution(name):
    reference = REFERENCES[name](np.random.default_rng(7), 100_000)
    x = toys.sample(name, 100_000, seed=1)
    assert same_distribution_p_value(x, reference) > 1e-3
    assert same_distribution_p_value(1.02 * x, reference) < 1e-6
    if name != "rings":
        assert same_distribution_p_value(x * [-1, 1], reference) < 1e-6


@pytest.mark.parametrize("name", CLOSED_FORM)
def test_sample_has_the_density_that_log_prob_states(name):
    x = toys.sample(name, 200_000, seed=2)
    assert density_p_value(name, x) > 1e-3
    assert density_p_value(name, np.add(x, [0.02, 0.0])) < 1e-6


@pytest.mark.parametrize("name", CLOSED_FORM)
def test_density_integrates_to_one(name):
    reach, n = 8.0, 400_000
    x = np.random.default_rng(0).uniform(-reach, reach, (n, 2))
    weights = np.exp(toys.log_prob(name, x)) * (2 * reach) ** 2
    assert abs(weights.mean() - 1) < 4 * weights.std() / np.sqrt(n)


def test_rings_are_as_thick_as_published():
    def variance_across(x):
        radius = np.linalg.norm(x, axis=1)
        return np.var(radius - 0.75 * np.round(radius / 0.75).clip(1, 4))

    reference = reference_rings(np.random.default_rng(7), 100_000)
    # Either variance has a relative standard error of sqrt(2 / 100,000) = 0.45 %.
    assert variance_across(toys.sample("rings", 100_000, seed=1)) == pytest.approx(
        variance_across(reference), rel=0.025
    )


def test_eight_gaussians_density_is_the_mixture_of_scipy():
    x = np.random.default_rng(0).uniform(-5, 5, (1000, 2))
    np.testing.assert_allclose(toys.log_prob("8gaussians", x), np.log(scipy_mixture(x)), rtol=1e-12)


def scipy_mixture(x):
    angles = np.deg2rad([0, 45, 90, 135, 180, 225, 270, 315])
    centres = 2 * np.sqrt(2) * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return np.mean([stats.multivariate_normal(centre, 0.125 * np.eye(2)).pdf(x) for centre in centres], axis=0)


def test_eight_gaussians_entropy_against_quadrature_in_polar_coordinates():
    nodes, weights = np.polynomial.legendre.leggauss(200)
    r, angle = 4 * (nodes + 1), np.pi / 8 * nodes  # one of eight equal wedges, to 14 standard deviations
    radius, theta = np.meshgrid(r, angle, indexing="ij")
    p = scipy_mixture(np.stack([radius * np.cos(theta), radius * np.sin(theta)], axis=-1))
    measure = radius * np.outer(4 * weights, np.pi / 8 * weights)
    assert 8 * np.sum(p * measure) == pytest.approx(1, abs=1e-12)
    assert toys.entropy("8gaussians") == pytest.approx(-8 * np.sum(p * np.log(p) * measure), abs=1e-9)


def test_checkerboard_is_uniform_on_half_of_its_square():
    x = toys.sample("checkerboard", 300_000, seed=0)
    np.testing.assert_array_equal(toys.log_prob("checkerboard", x), np.full(len(x), -toys.entropy("checkerboard")))
    assert toys.entropy("checkerboard") == pytest.approx(np.log(8 * 8 / 2), rel=1e-15)
    assert np.isneginf(toys.log_prob("checkerboard", np.add(x, [2.0, 0.0]))).all()
    assert np.isneginf(toys.log_prob("checkerboard", np.add(x, [8.0, 0.0]))).all()


@pytest.mark.parametrize("last", [False, True])
def test_checkerboard_keeps_the_most_extreme_draws_inside(last):
    class Extreme:
        def integers(self, low, high=None, size=None):
            low, high = (0, low) if high is None else (low, high)
            return np.full(size, high - 1 if last else low)

    x = toys._sample_checkerboard(Extreme(), 3).astype(np.float32)
    assert np.isfinite(toys.log_prob("checkerboard", x)).all()


@pytest.mark.parametrize("name", CLOSED_FORM)
def test_mean_log_prob_of_a_sample_is_the_true_mean(name):
    log_p = toys.log_prob(name, toys.sample(name, 200_000, seed=9))
    assert log_p.dtype == np.float64
    standard_error = log_p.std() / np.sqrt(len(log_p))
    assert abs(log_p.mean() - toys.true_mean_log_prob(name)) <= 4 * standard_error + 1e-12


def test_splits_are_independent_and_hold_out_the_same_for_every_seed():
    first, second = toys.load("checkerboard", seed=0), toys.load("checkerboard", seed=1)

    def points(split):
        return np.concatenate(list(split.batch(10_000).as_numpy_iterator()))

    parts = [points(part) for part in (first.train, first.validation, first.test)]
    assert [part.shape for part in parts] == [(250_000, 2), (10_000, 2), (20_000, 2)]
    # One stream read twice would give the same draws in part, though no two equal points.
    correlation = np.corrcoef(np.column_stack([part[:10_000] for part in parts]), rowvar=False)
    across = np.kron(1 - np.eye(3), np.ones((2, 2)))
    assert np.abs(across * correlation).max() < 4.5 / np.sqrt(10_000)
    np.testing.assert_array_equal(parts[0], toys.sample("checkerboard", 250_000, seed=0))
    assert (points(second.train) != parts[0]).any()
    np.testing.assert_array_equal(points(second.validation), parts[1])
    np.testing.assert_array_equal(points(second.test), parts[2])


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (toys.sample, ("moon", 10, 0), "2spirals, 8gaussians, checkerboard, moons, pinwheel, rings.*name='moon'"),
        (toys.sample, ("moons", 0, 0), "`n` must be at least 1. Received: n=0"),
        (toys.log_prob, ("moons", [[0.0, 0.0]]), "closed form: one of 8gaussians, checkerboard.*name='moons'"),
        (toys.log_prob, ("8gaussians", [0.0, 0.0, 0.0]), r"shape \(\.\.\., 2\).*\(3,\)"),
        (toys.entropy, ("rings",), "closed form: one of 8gaussians, checkerboard.*name='rings'"),
    ],
)
def test_bad_input_is_refused_with_what_is_known(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)
