"""What the package costs: time, tracing and memory of training steps, and what holds norms at their bound.

Imported by `scripts/benchmark.py`; knows `runs` and all below it, and neither `commands` nor `studies`.
"""
