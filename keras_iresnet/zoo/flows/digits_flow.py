"""A multi-scale flow for scikit-learn's 8x8 digits: trains in minutes on a laptop."""

from keras_iresnet.zoo.flows.image_flow import variant
from keras_iresnet.zoo.recipe import Recipe

RECIPE = Recipe(
    dataset="digits",
    epochs=55,
    batch_size=64,
    learning_rate=0.015,
    warmup_steps=20,
    decay="cosine",
    parameters=178_592,
    expected="2.055 +- 0.011 bits/dim on the test split, 1 to 4 minutes on two CPU cores",
    reference="Behrmann et al., ICML 2019, at the size of an 8x8 image",
)

digits_flow = variant(
    "digits_flow",
    "A flow over integer images (batch, 8, 8, 1) with 17 values a pixel.",
    (8, 8, 1),
    bins=17,
    blocks=(8, 8),
    channels=64,
)
