"""Other invertible networks behind the same interfaces: what an i-ResNet is compared with.

Imported by `zoo`, which registers the builders, `runs` and users; knows `models`, `priors`, `layers` and `ops`.
"""

from keras_iresnet.baselines.autoregressive import Autoregressive
from keras_iresnet.baselines.autoregressive_flows import made, maf
from keras_iresnet.baselines.continuous_flows import ffjord
from keras_iresnet.baselines.coupling import Coupling
from keras_iresnet.baselines.coupling_flows import glow, irevnet, nice, real_nvp
from keras_iresnet.baselines.mixing import Mixing, Reverse
from keras_iresnet.baselines.neural_ode import NeuralODE
from keras_iresnet.baselines.rival_classifiers import glow_classifier, irevnet_classifier, neural_ode_classifier

__all__ = [
    "Autoregressive",
    "Coupling",
    "Mixing",
    "NeuralODE",
    "Reverse",
    "ffjord",
    "glow",
    "glow_classifier",
    "irevnet",
    "irevnet_classifier",
    "made",
    "maf",
    "neural_ode_classifier",
    "nice",
    "real_nvp",
]
