"""What a run goes on from: the latest state, the best weights, the settings, and how they come to a file whole.

Imported by `fitting` and `train`; knows the run folder, but for `json_file`, which the run folder knows.
"""
