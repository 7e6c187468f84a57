"""Layers made of other invertible layers.

Knows the base class in `invertible` alone, whatever it is given to hold.
"""
