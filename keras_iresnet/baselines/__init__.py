"""Other normalizing flows behind the same interface: what an i-ResNet is compared with.

Imported by `zoo`, `runs` and users; knows `models`, `priors`, `layers` and `ops`.
"""

from keras_iresnet.baselines.autoregressive import Autoregressive
from keras_iresnet.baselines.continuous_flows import ffjord
from keras_iresnet.baselines.coupling import Coupling
from keras_iresnet.baselines.flows import glow, made, maf, nice, real_nvp
from keras_iresnet.baselines.mixing import Mixing, Reverse
from keras_iresnet.baselines.neural_ode import NeuralODE

__all__ = [
    "Autoregressive",
    "Coupling",
    "Mixing",
    "NeuralODE",
    "Reverse",
    "ffjord",
    "glow",
    "made",
    "maf",
    "nice",
    "real_nvp",
]
