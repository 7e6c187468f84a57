"""What latents follow: densities that are evaluated, sampled and set from data.

Imported by `models`; knows `layers` and `ops`.
"""
