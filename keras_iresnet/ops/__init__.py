"""Pure tensor functions: no Keras state, no globals, any floating-point dtype.

Knows neither Keras nor TFP, nor any other room but `borrowed`; every other room may import it.
"""
