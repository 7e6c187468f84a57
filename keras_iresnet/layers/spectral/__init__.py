"""Linear layers whose operator norm is held at `coeff`, alone or many at once.

Knows `ops` and the helpers beside this folder.
"""
