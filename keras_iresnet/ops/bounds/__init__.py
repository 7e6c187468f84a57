"""Rigorous bounds: what no estimate, however unconverged, can undercut. NumPy in float64, not for graphs.

Knows nothing of the package; imported by `layers`, which bound their parts, and by `evaluation`.
"""

from keras_iresnet.ops.bounds.bound_formulas import (
    inverse_error,
    matrix_norm,
    series_bias,
    smallest_number,
    terms_for_bias,
)

__all__ = ["inverse_error", "matrix_norm", "series_bias", "smallest_number", "terms_for_bias"]
