"""`python -m keras_iresnet_cli`, the same as `keras-iresnet`."""

from keras_iresnet_cli import main

main()
