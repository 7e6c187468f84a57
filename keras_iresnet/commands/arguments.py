"""What the commands ask of their numbers, before they read data or load a model."""


def check_at_least(minimum: int, **argument: float | None) -> None:
    """Refuse a number below `minimum`, or NaN; `None` is left to whom it means something.

    Args:
        minimum: the smallest value.
        **argument: one, under its name.

    Raises:
        ValueError: it is smaller.

    Example:
    >>> from keras_iresnet.commands.arguments import check_at_least
    >>> check_at_least(0, temperature=0.8)
    >>> check_at_least(0, temperature=float("nan"))
    Traceback (most recent call last):
    ValueError: `temperature` must be at least 0. Received: temperature=nan
    """
    ((name, value),) = argument.items()
    if value is not None and not value >= minimum:
        raise ValueError(f"`{name}` must be at least {minimum}. Received: {name}={value!r}")
