"""Flows for CIFAR-10's 32x32 colour images: the authors' command, and one for a laptop."""

from keras_iresnet.zoo.flows.image_flow import variant
from keras_iresnet.zoo.recipe import Recipe

RECIPE = Recipe(
    dataset="cifar10",
    augmentation="shift_flip",
    epochs=200,
    batch_size=128,
    learning_rate=0.003,
    warmup_epochs=1,
    parameters=25_028_544,
    published="3.45 bits/dim",
    expected="not trained here",
    reference="Behrmann et al., ICML 2019, table 4, by the authors' command",
)
SMALL_RECIPE = Recipe(
    dataset="cifar10",
    augmentation="shift_flip",
    epochs=20,
    batch_size=64,
    learning_rate=0.01,
    warmup_steps=50,
    decay="cosine",
    ema_momentum=0.99,
    parameters=883_680,
    expected="not trained here",
    reference="Behrmann et al., ICML 2019, with fewer blocks and channels",
)
AUTHORS = {
    "blocks": (16, 16, 16),
    "channels": 512,
    "strides": (1, 2, 2),
    "initial_squeeze": True,
    "pixel_transform": "center",
    "power_iterations": 5,
}
SMALL = {"blocks": (8, 8, 8), "channels": 64}

cifar_flow = variant(
    "cifar_flow",
    "The authors' flow over CIFAR-10 images (batch, 32, 32, 3); the paper's text has `blocks=(32, 32, 32)`.",
    (32, 32, 3),
    **AUTHORS,
)
cifar_flow_small = variant(
    "cifar_flow_small",
    "A flow over CIFAR-10 images (batch, 32, 32, 3) for a laptop.",
    (32, 32, 3),
    **SMALL,
)
