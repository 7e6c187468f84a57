import csv

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf
from oracles import jacobian, log_abs_det, truncated_series
from trained_flow import trained_digits_flow

import keras_iresnet as ki
from keras_iresnet import layers
from keras_iresnet.data import digits
from keras_iresnet.evaluation.batchwise import draw_seed
from keras_iresnet.studies.trace_estimator import save_picture, trace_study

TERMS, PROBES, NATS = 20, 300, 64 * np.log(2)


@pytest.fixture(scope="module")
def flow():
    return trained_digits_flow()


@pytest.fixture(scope="module")
def images():
    return digits.load_arrays()[0][1500:1506]


@pytest.fixture(scope="module")
def study(flow, images):
    return trace_study(flow, images, num_terms=TERMS, num_probes=PROBES, seed=3)


class _Recorder:
    """An estimator that keeps what each block is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, g, x, seed):
        self.asked.append((g, x))
        return g(x), tf.zeros(len(x))


@pytest.fixture(scope="module")
def jacobians(flow, images):
    """Jacobians of both branches where the images meet them, by autodiff."""
    recorder = _Recorder()
    flow.forward_and_log_det(flow.to_data(images, draw_seed(3, 0)), 0, estimator=recorder)
    return [jacobian(g, x).numpy().astype(np.float64) for g, x in recorder.asked]


def test_brute_force_is_that_of_the_autodiff_jacobians(study, jacobians):
    assert [one.shape[1:] for one in jacobians] == [(64, 64), (32, 32)]
    exact = sum(log_abs_det(np.eye(one.shape[-1]) + one) for one in jacobians) / NATS
    assert np.abs(exact).min() > 0.05
    np.testing.assert_allclose(study.exact, exact, rtol=1e-4)
    for n in (1, 2, 3, 7, 20):
        expected = sum(truncated_series(tf.constant(one), n).numpy() for one in jacobians) / NATS
        np.testing.assert_allclose(study.truncated[n - 1], expected, rtol=1e-4)


def test_mean_of_the_estimates_is_the_cut_series(study):
    assert study.estimates.shape == (TERMS, PROBES, 6)
    errors = study.estimates.std(1, ddof=1) / np.sqrt(PROBES)
    assert np.all(np.abs(study.estimates.mean(1) - study.truncated) < 4.5 * errors)  # 120 comparisons
    assert np.all(np.abs(study.estimated_bias - study.bias) < 4 * study.estimated_bias_standard_error)
    assert study.estimated_bias_standard_error[-1] < 0.2 * abs(study.bias[0])


def test_ten_terms_leave_less_than_a_thousandth(study):
    assert abs(study.bias[0]) > 0.01  # one term does not
    assert abs(study.bias[9]) < 1e-3
    assert abs(study.bias[19]) < abs(study.bias[9])


def test_certified_bound_holds_for_every_image(flow, study):
    assert np.all(np.abs(study.truncated - study.exact).max(-1) <= study.bias_bound)
    assert study.bias_bound[9] == pytest.approx(ki.certify(flow).series_bias(10) / NATS)


def test_every_image_and_probe_has_noise_of_its_own(study):
    last = study.estimates[-1] - study.truncated[-1]
    assert np.abs(np.corrcoef(last.T) - np.eye(6)).max() < 0.3
    assert len(np.unique(last)) == last.size


def test_study_is_written_as_arrays_table_and_picture(study, tmp_path):
    study.save(tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as arrays:
        np.testing.assert_array_equal(arrays["estimates"], study.estimates)
        assert set(arrays) == {"num_terms", "exact", "truncated", "estimates", "bias_bound"}
    study.save_table(tmp_path / "x.csv")
    rows = list(csv.DictReader((tmp_path / "x.csv").open()))
    assert [int(row["num_terms"]) for row in rows] == list(range(1, 21))
    assert float(rows[9]["bias"]) == pytest.approx(study.bias[9])
    assert float(rows[9]["standard_deviation"]) == pytest.approx(study.standard_deviation[9])
    save_picture(study, tmp_path / "x.png", "a title")
    assert matplotlib.image.imread(tmp_path / "x.png").std() > 0.05


def test_deviation_is_that_of_one_probe_of_one_image(study):
    expected = np.sqrt(np.mean([study.estimates[4, :, i].var(ddof=1) for i in range(6)]))
    assert study.standard_deviation[4] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "received"), [({"num_terms": 0}, "num_terms=0"), ({"num_probes": 1}, "num_probes=1")]
)
def test_too_few_are_refused(flow, images, options, received):
    with pytest.raises(ValueError, match=received):
        trace_study(flow, images, **options)


def test_a_flow_without_blocks_is_refused(images):
    flow = ki.Flow(layers.Chain([layers.ActNorm()]), (8, 8, 1), bins=17)
    with pytest.raises(ValueError, match="residual blocks"):
        trace_study(flow, images)
