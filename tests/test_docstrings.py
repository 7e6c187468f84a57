"""The examples in docstrings are run."""

import doctest
import importlib
import pkgutil

import pytest

import keras_iresnet

MODULES = sorted(module.name for module in pkgutil.walk_packages(keras_iresnet.__path__, "keras_iresnet."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name, capsys):
    failures, _ = doctest.testmod(importlib.import_module(name))
    assert failures == 0, capsys.readouterr().out
