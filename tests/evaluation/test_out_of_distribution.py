import matplotlib.image
import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet.data import digits
from keras_iresnet.evaluation.out_of_distribution import BATCH, Strangers, compare_strangers, save_picture


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
    flow = ki.zoo.hybrid_classifier(blocks=(1,), channels=4, seed=0)
    images, _ = digits.load_arrays()
    flow.initialize(images[:500])
    known, strange = images[: BATCH + 3], (16 - images)[:7]
    with pytest.raises(ValueError, match="`calibrate` must be called"):
        compare_strangers(flow, known, strange)
    flow.calibrate(images[:50])
    found = compare_strangers(flow, known, strange)
    assert (len(found.known), len(found.strange)) == (BATCH + 3, 7)
    means = [np.mean([flow.log_prob(part, seed=seed) for seed in range(4)], 0) for part in (known, strange)]
    assert np.corrcoef(found.known, means[0])[0, 1] > 0.8
    np.testing.assert_allclose(found.strange, means[1], rtol=0.3)
    assert found.typical == float(flow.typical_log_prob)
    assert found.typical == pytest.approx(means[0][:50].mean(), rel=0.05)
    assert found.strange.max() < found.known.mean()


def test_picture_is_drawn(tmp_path):
    rng = np.random.default_rng(0)
    found = Strangers(rng.normal(size=50), rng.normal(3, 1, 50), 0.0)
    save_picture(found, tmp_path / "x.png", ("known", "strange"), "title")
    assert matplotlib.image.imread(tmp_path / "x.png").std() > 0.05
