"""Where a run computes: devices, threads, and what is recorded of the machine and the code.

Imported by the rest of `runs`, by `commands` and `benchmarks`; knows nothing of models.
"""
