import matplotlib.image
import numpy as np
import pytest
import small_flows

from keras_iresnet.analysis.out_of_distribution import BATCH, Strangers, compare_strangers, save_picture


def test_auroc_counts_pairs():
    known, strange, typical = np.array([1.0, 4.0, 6.0]), np.array([0.0, 9.0, 5.0, 2.5]), 5.0
    found = Strangers(known, strange, typical)
    lower = np.mean([s < k for k in known for s in strange])
    distances = [(abs(k - typical), abs(s - typical)) for k in known for s in strange]
    further = np.mean([(s > k) + 0.5 * (s == k) for k, s in distances])
    assert found.density_auroc == pytest.approx(lower)
    assert found.typicality_auroc == pytest.approx(further)
    assert lower != further


def test_scores_are_log_likelihoods_in_order():
    flow = small_flows.image_flow(seed=0)
    flow.initialize(small_flows.images())
    known = small_flows.images(BATCH + 3)
    strange = (small_flows.BINS - 1 - known)[:7]
    found = compare_strangers(flow, known[:50], known, strange)
    assert (len(found.known), len(found.strange)) == (BATCH + 3, 7)
    means = [np.mean([flow.log_prob(images, seed=seed) for seed in range(4)], 0) for images in (known, strange)]
    assert np.corrcoef(found.known, means[0])[0, 1] > 0.6
    assert abs(found.strange.mean() - means[1].mean()) < 2
    assert found.typical == pytest.approx(means[0][:50].mean(), abs=1)


def test_picture_is_drawn(tmp_path):
    rng = np.random.default_rng(0)
    found = Strangers(rng.normal(size=50), rng.normal(3, 1, 50), 0.0)
    save_picture(found, tmp_path / "x.png", ("known", "strange"), "title")
    assert matplotlib.image.imread(tmp_path / "x.png").std() > 0.05
