"""Which floating-point type carries what must not be rounded, whatever the precision policy."""


def stream_dtype(variable_dtype):
    """The dtype of the residual stream, sigma and log-dets: float64 for float64 variables, else float32."""
    return "float64" if variable_dtype == "float64" else "float32"
