import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from trained_flow import blocks, trained_digits_flow

import keras_iresnet as ki
from keras_iresnet import layers
from keras_iresnet.data import digits
from keras_iresnet.evaluation.bits_per_dim import ImageEvaluator, evaluate_bits_per_dim
from keras_iresnet.models import Flow
from keras_iresnet.ops.log_det import ExactLogDet, SeriesLogDet
from keras_iresnet.ops.series_to_bias import SeriesToBias

SEEDS = 20


def _identity_image_flow():
    flow = Flow(layers.Chain([layers.ActNorm()]), (1, 1, 1), bins=4, prior=ki.priors.StandardNormal())
    flow.layer.initialize(np.float32([-1, 1]).reshape(2, 1, 1, 1))  # mean 0, deviation 1: ActNorm changes nothing
    return flow


def _affine_truth():
    """Mean and variance over the noise: y = u / 4 for uniform u, bits = (ln sqrt(2 pi) + y^2 / 2) / ln 2 + log2(4)."""
    mean = (0.5 * math.log(2 * math.pi) + (1 / 16) / 3 / 2) / math.log(2) + 2
    return mean, (1 / 5 - 1 / 9) * (1 / 16 / 2 / math.log(2)) ** 2


@pytest.fixture(scope="module")
def flow():
    return trained_digits_flow()


@pytest.fixture(scope="module")
def images():
    return digits.load_arrays()[0][1500:1530]


@pytest.fixture(scope="module")
def exact(flow):
    return ImageEvaluator(flow)


@pytest.fixture(scope="module")
def series(flow):
    """The series with as many terms as the certificate asks for."""
    num_terms = ki.certify(flow).num_terms(1e-4 * 64 * math.log(2))
    return ImageEvaluator(flow, num_terms=num_terms)


def test_fixture_is_far_from_the_identity(flow, exact, series):
    log_dets = [
        block.forward_and_log_det(
            tf.random.stateless_normal((4, *block.input_spec.shape[1:]), (1, 2)), estimator=ExactLogDet()
        )[1].numpy()
        for block in blocks(flow)
    ]
    assert np.abs(log_dets).min() > 0.5
    assert ki.certify(flow).bound > 0.7
    assert exact.estimator == ExactLogDet()
    assert 20 < series.estimator.num_terms < 60


def _pairs(exact, series, images, seeds, **options):
    return [(exact(images, seed=seed, **options), series(images, seed=seed, **options)) for seed in seeds]


def test_series_lies_within_its_bounds_of_the_exact_value(exact, series, images):
    for true, found in _pairs(exact, series, images, range(SEEDS), max_passes=1):
        assert found.bias_bound <= 1e-4
        assert abs(found.mean - true.mean) <= found.bias_bound + 4 * found.probe_standard_error
        # the same noise: what separates them is far less than what noise and images bring
        assert found.probe_standard_error < 0.02


@pytest.fixture(scope="module")
def hundred(exact, series, images):
    return _pairs(exact, series, images, range(100, 200), max_passes=1)


@pytest.mark.slow
def test_probe_error_is_neither_too_small_nor_too_large(hundred):
    z = np.array([(found.mean - true.mean) / found.probe_standard_error for true, found in hundred])
    assert 0.75 < z.std() < 1.3  # 1 +- 3.5 standard errors of 100 draws
    assert abs(z.mean()) < 0.4
    assert 88 <= np.sum(np.abs(z) < 1.96) <= 100


@pytest.mark.slow
def test_noise_error_is_neither_too_small_nor_too_large(hundred):
    means = np.array([true.mean for true, _ in hundred])
    z = (means - means.mean()) / [true.dequantization_standard_error for true, _ in hundred]
    assert 0.75 < z.std() < 1.3
    assert 88 <= np.sum(np.abs(z) < 1.96) <= 100
    means = np.array([found.mean for _, found in hundred])
    errors = [math.hypot(found.dequantization_standard_error, found.probe_standard_error) for _, found in hundred]
    z = (means - means.mean()) / errors
    assert 0.75 < z.std() < 1.3


def test_total_error_covers_the_choice_of_the_images(exact):
    """Random sets of 40 images: their means spread as the standard errors say."""
    pool = np.random.default_rng(0).permutation(digits.load_arrays()[0])[:760]  # neighbours have the same writer
    found = [exact(part, max_passes=1, seed=seed) for seed, part in enumerate(np.split(pool, 19))]
    z = (np.array([one.mean for one in found]) - np.mean([one.mean for one in found])) / [
        one.standard_error for one in found
    ]
    assert 0.5 < z.std(ddof=1) < 1.6
    images, noise = ([getattr(one, f"{part}_standard_error") for one in found] for part in ("image", "dequantization"))
    # Of three draws of the noise 3.9, 4.2 and 4.8; a single set of 40 can fall below 1.
    assert np.square(images).mean() > 2 * np.square(noise).mean()


def test_parts_of_the_error_add_up(series, images):
    found = series(images, max_passes=2)
    parts = (found.image_standard_error, found.dequantization_standard_error, found.probe_standard_error)
    assert min(parts) > 0
    assert found.standard_error == pytest.approx(math.sqrt(sum(part**2 for part in parts)))


def test_passes_go_on_until_noise_and_probes_are_below_the_standard_error(series, images):
    found = series(images, standard_error=0.004)
    reached = math.hypot(found.dequantization_standard_error, found.probe_standard_error)
    assert 4 < found.num_noises == found.num_probes < 100
    assert 0.8 * 0.004 < reached <= 0.004
    once = series(images, max_passes=1)
    assert once.num_noises == 1
    assert once.probe_standard_error == pytest.approx(found.probe_standard_error * math.sqrt(found.num_noises))
    assert found.image_standard_error == pytest.approx(once.image_standard_error, rel=0.2)


def test_few_terms_have_the_bias_that_the_bound_allows(flow, exact, images):
    """At one term it is far outside the random error: a bound that left it out would be seen."""
    one_term = ImageEvaluator(flow, num_terms=1)
    true, found = (evaluator(images, max_passes=20) for evaluator in (exact, one_term))
    error = math.hypot(found.probe_standard_error, found.dequantization_standard_error)
    assert abs(found.mean - true.mean) > 6 * error
    assert abs(found.mean - true.mean) <= found.bias_bound + 4 * error


@pytest.mark.slow
def test_bias_fixes_the_number_of_terms_where_the_dimension_is_large(monkeypatch, flow, images):
    monkeypatch.setattr("keras_iresnet.evaluation.bits_per_dim.EXACT_DIMENSION", 10)
    for bias in (1e-2, 1e-5):
        found = ImageEvaluator(flow, bias=bias)
        assert found.bias_bound == pytest.approx(bias)
        # the same noise and probes, and hardly any bias
        lip, group = found.estimator.lip, found.estimator.group
        longer = ImageEvaluator(flow, estimator=SeriesToBias(1e-9, lip, group=group))
        result, true = (one(images, max_passes=1) for one in (found, longer))
        assert abs(result.mean - true.mean) <= bias
        beforehand = ki.certify(flow).num_terms(bias * 64 * math.log(2))
        assert 1 < result.num_terms < 0.7 * beforehand  # no vector is contracted as little as the worst might be
        again = found(images, max_passes=1)
        assert (again.mean, again.num_terms) == (result.mean, result.num_terms)


def test_without_a_certificate_the_bias_has_no_bound_and_is_said_to_have_none(monkeypatch, images):
    monkeypatch.setattr("keras_iresnet.evaluation.bits_per_dim.EXACT_DIMENSION", 10)
    block = layers.InvertibleResidualBlock(
        keras.layers.DepthwiseConv2D(1, depthwise_initializer=keras.initializers.Constant(0.5))
    )
    flow = Flow(layers.Chain([block]), (8, 8, 1), bins=17)
    flow.initialize(images)
    found = evaluate_bits_per_dim(flow, images[:4], max_passes=1)
    assert (found.bias_bound, found.num_terms) == (math.inf, 50)
    assert "no certified bias bound" in str(found)
    assert "bias at most 0.0" in str(evaluate_bits_per_dim(flow, images[:4], max_passes=1, estimator=ExactLogDet()))


def test_bits_per_dim_is_the_mean_over_the_dequantization_noise():
    result = evaluate_bits_per_dim(_identity_image_flow(), np.zeros((20_000, 1, 1, 1), np.uint8), batch_size=400)
    mean, variance = _affine_truth()
    assert result.dequantization_standard_error == pytest.approx(math.sqrt(variance / 20_000), rel=0.1)
    assert result.standard_error == pytest.approx(math.sqrt(variance / 20_000), rel=0.1)  # the images are all alike
    assert abs(result.mean - mean) < 4 * result.standard_error
    assert (result.images, result.dimension, result.bins) == (20_000, 1, 4)
    assert (result.num_noises, result.num_probes, result.num_terms, result.bias_bound) == (1, 0, None, 0.0)


@pytest.mark.parametrize("passes", [1, 2, 7])
@pytest.mark.sweep(3)
def test_every_pass_draws_anew(passes):
    """The mean of n passes has the error of n draws, whichever images the pilot took."""
    _, variance = _affine_truth()
    images = np.zeros((60, 1, 1, 1), np.uint8)
    evaluator = ImageEvaluator(_identity_image_flow())
    means = [evaluator(images, standard_error=1e-9, max_passes=passes, batch_size=30, seed=s).mean for s in range(100)]
    assert np.std(means) == pytest.approx(math.sqrt(variance / 60 / passes), rel=0.3)


def test_pilot_is_spread_over_the_data(monkeypatch):
    """Its noise is that of all images, though the first half of them has none to speak of."""
    monkeypatch.setattr("keras_iresnet.evaluation.passes._PILOT_IMAGES", 400)
    images = np.repeat(np.uint8([0, 3]), 2000).reshape(-1, 1, 1, 1)
    found = evaluate_bits_per_dim(_identity_image_flow(), images, batch_size=50, standard_error=1.0)
    # y = (3 + u) / 4 has the variance of y^2 / 2: E y^4 - (E y^2)^2 over the last bin
    fourth, second = (sum((3 + (i + 0.5) / 1000) ** p for i in range(1000)) / 1000 / 4**p for p in (4, 2))
    variance = (fourth - second**2) / 4 / math.log(2) ** 2
    half = (variance + _affine_truth()[1]) / 2
    assert found.dequantization_standard_error == pytest.approx(math.sqrt(half / 4000), rel=0.15)


@pytest.mark.parametrize(
    "form",
    [
        tf.data.Dataset.from_tensor_slices,
        lambda x: tf.data.Dataset.from_tensor_slices(x).batch(16),
        lambda x: tf.data.Dataset.from_tensor_slices(x).filter(lambda _: True),  # of unknown length
    ],
)
def test_result_does_not_depend_on_how_the_data_come(exact, images, form):
    assert exact(form(images), batch_size=16, max_passes=2) == exact(images, batch_size=16, max_passes=2)


def test_bits_per_dim_depends_on_the_seed_alone_and_differs_between_batches():
    flow, images = _identity_image_flow(), np.zeros((64, 1, 1, 1), np.uint8)
    first, again = (evaluate_bits_per_dim(flow, images, seed=3) for _ in range(2))
    other = evaluate_bits_per_dim(flow, images, seed=4)
    assert first == again
    assert first.mean != other.mean
    # with the same noise in each batch of one image there would be no spread at all
    found = evaluate_bits_per_dim(flow, images, batch_size=1, max_passes=1)
    assert found.dequantization_standard_error > 0
    assert found.standard_error == pytest.approx(first.standard_error * math.sqrt(first.num_noises), rel=0.5)


def test_one_image_has_no_standard_error_over_images():
    found = evaluate_bits_per_dim(_identity_image_flow(), np.zeros((1, 1, 1, 1), np.uint8), max_passes=1)
    assert math.isnan(found.image_standard_error)
    assert math.isnan(found.standard_error)
    assert found.dequantization_standard_error > 0


def test_an_estimator_is_used_and_named(flow, images):
    found = evaluate_bits_per_dim(flow, images, estimator=SeriesLogDet(8, 3), max_passes=2)
    assert found.estimator == "SeriesLogDet(num_terms=8, num_probes=3)"
    assert (found.num_terms, found.num_probes, found.num_noises) == (8, 6, 2)
    assert "SeriesLogDet(num_terms=8" in str(found)
    assert dataclasses.asdict(found)["bins"] == 17
    backprop = evaluate_bits_per_dim(flow, images, estimator=ki.BackpropSeriesLogDet(8, 3), max_passes=2)
    assert backprop.mean == pytest.approx(found.mean, abs=1e-5)  # the same probes, by other means


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bias": 0.0}, "Received: bias=0.0"),
        ({"bias": math.nan}, "Received: bias=nan"),
        ({"standard_error": -1.0}, "Received: standard_error=-1.0"),
        ({"max_passes": 0}, "Received: max_passes=0"),
        ({"num_terms": 0}, "Received: num_terms=0"),
        ({"num_terms": 3, "estimator": ExactLogDet()}, "num_terms=3"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        evaluate_bits_per_dim(_identity_image_flow(), np.zeros((2, 1, 1, 1), np.uint8), **options)


def test_data_that_do_not_fit_are_refused():
    flow = _identity_image_flow()
    with pytest.raises(ValueError, match=r"shape \(1, 1, 1\)\. Received: shape=\(1, 1, 3\)"):
        evaluate_bits_per_dim(flow, np.zeros((5, 1, 1, 3), "uint8"))
    with pytest.raises(ValueError, match="at least 1 example"):
        evaluate_bits_per_dim(flow, np.zeros((0, 1, 1, 1), "uint8"))
    points = Flow(layers.Chain([layers.ActNorm()]), (2,))
    with pytest.raises(ValueError, match="`bins`"):
        evaluate_bits_per_dim(points, np.zeros((3, 2), "float32"))
