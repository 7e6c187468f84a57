"""What stands in a residual block beside the identity: contractive branches and their activations.

Knows `spectral`, whose layers branches are made of.
"""
