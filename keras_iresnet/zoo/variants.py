"""Builders that are sizes of another builder: the same keywords, with defaults of their own."""

import inspect


def variant_of(base, name, summary, example, fixed, defaults):
    """A builder `name(**keywords)` that calls `base`.

    Args:
        base: the builder that does the work.
        name: of the new one.
        summary: first line of its docstring.
        example: of its docstring, after `import keras_iresnet as ki`.
        fixed: arguments of `base` that the user cannot change.
        defaults: keywords of `base` with another default.
    """

    def builder(**keywords):
        signature.bind(**keywords)  # refuses what is no keyword of this builder, by its name
        return builder.base(**(fixed | defaults | keywords))

    parameters = [
        parameter.replace(default=defaults.get(parameter.name, parameter.default), kind=parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(base).parameters.values()
        if parameter.name not in fixed
    ]
    signature = builder.__signature__ = inspect.Signature(parameters)
    builder.base = base
    builder.__name__ = builder.__qualname__ = name
    builder.__module__ = base.__module__
    builder.__annotations__ = {key: hint for key, hint in base.__annotations__.items() if key not in fixed}
    builder.__doc__ = _docstring(base, name, summary, example, fixed)
    return builder


def _docstring(base, name, summary, example, fixed):
    """The arguments' descriptions are those of `base`."""
    arguments = inspect.getdoc(base).partition("\nArgs:\n")[2].partition("\n\nRaises:")[0].splitlines()
    known = [line for line in arguments if not line.startswith(tuple(f"    {argument}:" for argument in fixed))]
    see = f"See `{base.__name__}`, of which {name} is a size."
    lines = [summary, "", "Args:", *known, "", see, "", "Example:", ">>> import keras_iresnet as ki", example]
    return "\n".join(lines)
