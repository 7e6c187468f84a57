import math

import pytest

from keras_iresnet.ops.bounds.odd_bias import odd_series_bias


@pytest.mark.parametrize("lip", [0.1, 0.73, 0.95, 0.999])
@pytest.mark.parametrize("num_terms", [1, 2, 7, 40])
def test_it_is_twice_what_artanh_leaves(lip, num_terms):
    expected = math.atanh(lip) - math.fsum(lip**k / k for k in range(1, num_terms + 1, 2))
    assert odd_series_bias(lip, num_terms, 3) == pytest.approx(6 * expected, rel=1e-6, abs=1e-13)
    assert odd_series_bias(lip, num_terms, 3) >= 6 * expected * (1 - 1e-9) - 1e-13


def test_ends_of_the_range():
    assert odd_series_bias(0.0, 1, 3) == 0
    assert odd_series_bias(1.0, 1, 3) == math.inf
    assert 0 < odd_series_bias(1 - 1e-9, 10, 1) < math.inf
    with pytest.raises(ValueError, match=r"Received: lip=-0\.1"):
        odd_series_bias(-0.1, 1, 3)
