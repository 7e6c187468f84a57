"""What a run goes on from: the latest state, the best weights, and how both come to a file whole.

Imported by `fitting` and `train`; knows the run folder.
"""
