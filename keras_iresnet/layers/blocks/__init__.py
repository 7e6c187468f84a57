"""Residual blocks: invertible because their branch is a contraction.

Knows `branches` and `spectral`; `composed` layers hold any of these.
"""
