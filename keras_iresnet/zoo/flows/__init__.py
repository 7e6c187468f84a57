"""Flows of the zoo, one file a data set: the builders, and their recipes beside them.

Imported by `zoo`, which has what each file exports; knows `models` and all below them.
"""

from keras_iresnet.zoo.flows import benchmark_flows as _benchmark_flows
from keras_iresnet.zoo.flows import cifar_flow as _cifar_flow
from keras_iresnet.zoo.flows import digits_flow as _digits_flow
from keras_iresnet.zoo.flows import fashion_mnist_flow as _fashion_mnist_flow
from keras_iresnet.zoo.flows import image_flow as _image_flow
from keras_iresnet.zoo.flows import mnist_flow as _mnist_flow
from keras_iresnet.zoo.flows import successor_flows as _successor_flows
from keras_iresnet.zoo.flows import svhn_flow as _svhn_flow
from keras_iresnet.zoo.flows import tabular_flow as _tabular_flow
from keras_iresnet.zoo.flows import toy_flow as _toy_flow
from keras_iresnet.zoo.flows.benchmark_flows import *
from keras_iresnet.zoo.flows.cifar_flow import *
from keras_iresnet.zoo.flows.digits_flow import *
from keras_iresnet.zoo.flows.fashion_mnist_flow import *
from keras_iresnet.zoo.flows.image_flow import *
from keras_iresnet.zoo.flows.mnist_flow import *
from keras_iresnet.zoo.flows.successor_flows import *
from keras_iresnet.zoo.flows.svhn_flow import *
from keras_iresnet.zoo.flows.tabular_flow import *
from keras_iresnet.zoo.flows.toy_flow import *

# A model is named once, by the file that has it.
__all__: list[str] = []
__all__ += _benchmark_flows.__all__
__all__ += _cifar_flow.__all__
__all__ += _digits_flow.__all__
__all__ += _fashion_mnist_flow.__all__
__all__ += _image_flow.__all__
__all__ += _mnist_flow.__all__
__all__ += _successor_flows.__all__
__all__ += _svhn_flow.__all__
__all__ += _tabular_flow.__all__
__all__ += _toy_flow.__all__
