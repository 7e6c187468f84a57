"""What `help` and an editor show of the builders."""

import inspect
import pydoc
import re
import typing

import pytest

import keras_iresnet as ki

BUILDERS = {name: getattr(ki.zoo, name) for name in (*ki.zoo.list(), "image_flow", "image_classifier")}


def _documented(builder):
    """Names in the Args section of the docstring, in order."""
    section = inspect.getdoc(builder).partition("\nArgs:\n")[2].partition("\n\n")[0]
    return re.findall(r"^    (\w+): \S", section, re.M)


def test_help_shows_the_defaults_that_hold():
    text = pydoc.render_doc(ki.zoo.mnist_flow_small, renderer=pydoc.plaintext)
    signature = text.partition("mnist_flow_small(")[2].partition("\n")[0]
    for shown in ("prior_components: int = 100", "blocks: tuple[int, ...] = (14, 6)", "coeff: float = 0.97"):
        assert shown in signature
    assert "bins" not in signature
    assert "**keywords" not in signature
    assert signature.endswith("Flow")


@pytest.mark.parametrize("name", BUILDERS)
def test_help_describes_every_argument(name):
    builder = BUILDERS[name]
    assert _documented(builder) == [*inspect.signature(builder).parameters]
    text = pydoc.render_doc(builder, renderer=pydoc.plaintext)
    assert all(f"        {argument}: " in text for argument in inspect.signature(builder).parameters)


@pytest.mark.parametrize("name", BUILDERS)
def test_arguments_and_result_have_types(name):
    builder = BUILDERS[name]
    hints = typing.get_type_hints(builder)
    assert set(hints) == {*inspect.signature(builder).parameters, "return"}
    assert issubclass(hints["return"], (ki.Flow, ki.Classifier, ki.models.Hybrid))
    for argument, parameter in inspect.signature(builder).parameters.items():
        members = typing.get_args(hints[argument])
        kinds = [typing.get_origin(one) or one for one in (hints[argument], *members) if one is not Ellipsis]
        assert parameter.default is parameter.empty or any(
            isinstance(parameter.default, kind) for kind in kinds if isinstance(kind, type)
        )
