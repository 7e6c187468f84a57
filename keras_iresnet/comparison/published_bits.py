"""Bits/dim that the i-ResNet paper reports, of its own model and of others: nothing that was measured here."""

SOURCE = "Behrmann et al., Invertible Residual Networks, ICML 2019, table 4"

# By contestant. NICE's figure for CIFAR-10 is of whitened images, and not comparable.
_PUBLISHED: dict[str, dict[str, float]] = {
    "mnist": {
        "nice": 4.36,
        "made": 2.04,
        "maf": 1.89,
        "real_nvp": 1.06,
        "glow": 1.05,
        "ffjord": 0.99,
        "iresnet": 1.06,
    },
    "cifar10": {"made": 5.67, "maf": 4.31, "real_nvp": 3.49, "glow": 3.35, "ffjord": 3.40, "iresnet": 3.45},
}


def published_bits(dataset: str) -> dict[str, float]:
    """Contestant -> test bits/dim of the paper's table, for the data sets that it has; `{}` for others.

    Example:
    >>> from keras_iresnet.comparison.published_bits import published_bits
    >>> published_bits("mnist")["iresnet"], published_bits("digits")
    (1.06, {})
    """
    return dict(_PUBLISHED.get(dataset, {}))
