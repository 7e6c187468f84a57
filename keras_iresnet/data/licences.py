"""Under what terms the data sets by name may be used, for the cards of what was trained on them."""

_UCI = "CC BY 4.0"
LICENCES = {
    "digits": f"{_UCI} (UCI, Optical Recognition of Handwritten Digits; it comes with scikit-learn)",
    "mnist": "CC BY-SA 3.0 (LeCun, Cortes and Burges)",
    "fashion_mnist": "MIT (Zalando SE)",
    "breast_cancer": f"{_UCI} (UCI, Breast Cancer Wisconsin (Diagnostic); it comes with scikit-learn)",
}


def licence_of(dataset: str) -> str:
    """The licence of a data set by its name, as far as it is known.

    Example:
    >>> from keras_iresnet.data.licences import licence_of
    >>> licence_of("toy/moons")
    'none needed: points drawn by this package'
    """
    if dataset.startswith("toy/"):
        return "none needed: points drawn by this package"
    return LICENCES.get(dataset, "as its owner says")
