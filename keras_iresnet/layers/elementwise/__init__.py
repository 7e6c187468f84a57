"""Layers that map each value, or each channel, by itself: shifts, scales, and pixels to the real line.

Knows the base class in `invertible` alone.
"""
