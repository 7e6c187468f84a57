"""What the i-ResNet paper reports, of its own model and of others: nothing that was measured here."""

SOURCE = "Behrmann et al., Invertible Residual Networks, ICML 2019, tables 1 and 4"

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
    >>> from keras_iresnet.comparison.published import published_bits
    >>> published_bits("mnist")["iresnet"], published_bits("digits")
    (1.06, {})
    """
    return dict(_PUBLISHED.get(dataset, {}))


# Table 1: which rows of it are ticked.
_PROPERTIES = {
    "nice": "analytic forward, analytic inverse, exact likelihood",
    "real_nvp": "analytic forward, analytic inverse, non-volume-preserving, exact likelihood",
    "irevnet": "analytic forward, analytic inverse, exact likelihood",
    "glow": "analytic forward, non-volume-preserving, exact likelihood",
    "ffjord": "free-form, non-volume-preserving, unbiased log-det",
    "iresnet": "free-form, analytic forward, non-volume-preserving",
}


def published_properties() -> dict[str, str]:
    """Contestant -> what the paper's table 1 says of it.

    Example:
    >>> from keras_iresnet.comparison.published import published_properties
    >>> published_properties()["iresnet"]
    'free-form, analytic forward, non-volume-preserving'
    """
    return dict(_PROPERTIES)


# Table 2 has one network more than `studies.sweep` trains: ResNet-164, and i-RevNet in its text. Test errors in %.
RESNET_164 = {"cifar10": 5.50, "cifar100": 24.30}
IREVNET = {"cifar10": 5.6}
