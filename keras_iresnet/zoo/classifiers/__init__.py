"""Classifiers of the zoo, one file a data set: the builders, and their recipes beside them.

Imported by `zoo`, which has what each file exports; knows `models` and all below them.
"""

from keras_iresnet.zoo.classifiers import cifar_classifier as _cifar_classifier
from keras_iresnet.zoo.classifiers import digits_classifier as _digits_classifier
from keras_iresnet.zoo.classifiers import hybrid_classifier as _hybrid_classifier
from keras_iresnet.zoo.classifiers import image_classifier as _image_classifier
from keras_iresnet.zoo.classifiers import mnist_classifier as _mnist_classifier
from keras_iresnet.zoo.classifiers import resnet164_classifier as _resnet164_classifier
from keras_iresnet.zoo.classifiers import svhn_classifier as _svhn_classifier
from keras_iresnet.zoo.classifiers.cifar_classifier import *
from keras_iresnet.zoo.classifiers.digits_classifier import *
from keras_iresnet.zoo.classifiers.hybrid_classifier import *
from keras_iresnet.zoo.classifiers.image_classifier import *
from keras_iresnet.zoo.classifiers.mnist_classifier import *
from keras_iresnet.zoo.classifiers.resnet164_classifier import *
from keras_iresnet.zoo.classifiers.svhn_classifier import *

# A model is named once, by the file that has it.
__all__: list[str] = []
__all__ += _cifar_classifier.__all__
__all__ += _digits_classifier.__all__
__all__ += _hybrid_classifier.__all__
__all__ += _image_classifier.__all__
__all__ += _mnist_classifier.__all__
__all__ += _resnet164_classifier.__all__
__all__ += _svhn_classifier.__all__
