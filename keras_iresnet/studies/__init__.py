"""What the paper shows, one file a figure or table: arrays are computed, written, and drawn.

The command line calls these; they know `runs` and all below it, and neither `commands` nor `benchmarks`.
"""
