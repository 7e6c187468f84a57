"""ONNX files as onnxruntime runs them."""

import numpy as np
import pytest

CLOSE = {"rtol": 1e-4, "atol": 1e-4}
NUMPY_TYPES = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int32)": "int32"}


class Served:
    """The files of a folder, each called by its name; skips the test where onnxruntime is not installed."""

    def __init__(self, folder):
        runtime = pytest.importorskip("onnxruntime")
        self.sessions = {
            path.stem: runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            for path in folder.glob("*.onnx")
        }

    def __call__(self, name, **inputs):
        session = self.sessions[name]
        names = [output.name for output in session.get_outputs()]
        types = {one.name: one.type for one in session.get_inputs()}
        given = {key: np.asarray(value, NUMPY_TYPES[types[key]]) for key, value in inputs.items()}
        return dict(zip(names, session.run(None, given), strict=True))
