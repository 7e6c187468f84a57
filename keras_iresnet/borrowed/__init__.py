"""Names of Keras, TensorFlow and TFP that are used here though nobody promises to keep them: all of them, here alone.

Each has its reason beside it, and a test in `tests/borrowed/` that says in plain words what a new version took away.
One file for each library, since `ops` must not bring in Keras, and nothing must bring in TFP by itself.
"""
