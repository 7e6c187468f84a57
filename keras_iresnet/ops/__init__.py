"""Pure tensor functions: no Keras state, no globals, any floating-point dtype."""
