"""The examples of the documentation run, and every public name has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import keras_iresnet as ki

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = sorted(info.name for info in pkgutil.walk_packages(ki.__path__, "keras_iresnet."))
PUBLIC = {
    f"{namespace.__name__}.{name}": getattr(namespace, name)
    for namespace in (ki, ki.baselines, ki.layers, ki.priors, ki.models, ki.zoo)
    for name in namespace.__all__
}


@pytest.mark.parametrize("name", ["keras_iresnet", *MODULES])
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ki.zoo.registry, "_entries", dict(ki.zoo.registry._entries))  # an example's model stays there
    module = importlib.import_module(name)
    failures, _ = doctest.testmod(module, optionflags=OPTIONS)
    assert failures == 0


def test_names_are_found():
    assert len(MODULES) > 20
    assert len(PUBLIC) > 20


def is_shown_by_another(thing):
    """Exceptions and results are seen in the examples of what raises or returns them."""
    return inspect.isclass(thing) and (issubclass(thing, Exception) or hasattr(thing, "_fields"))


@pytest.mark.parametrize(
    "name", [name for name, thing in PUBLIC.items() if callable(thing) and not is_shown_by_another(thing)]
)
def test_public_name_has_an_example(name):
    assert doctest.DocTestParser().get_examples(inspect.getdoc(PUBLIC[name]) or ""), f"{name} has no example"
