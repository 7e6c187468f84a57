"""What `import keras_iresnet` shows, and what it does not bring in."""

import importlib.metadata
import inspect
import subprocess
import sys

import pytest

import keras_iresnet as ki

NAMESPACES = (ki, ki.layers, ki.priors, ki.models, ki.zoo)


def test_completion_shows_what_is_public_and_nothing_else():
    assert dir(ki) == sorted(ki.__all__)
    assert not {"os", "keras", "TYPE_CHECKING"} & set(dir(ki))


@pytest.mark.parametrize("namespace", NAMESPACES, ids=lambda namespace: namespace.__name__)
def test_every_public_name_is_there(namespace):
    assert len(set(namespace.__all__)) == len(namespace.__all__)
    for name in namespace.__all__:
        assert getattr(namespace, name) is not None


def test_version_is_that_of_the_installed_package():
    assert ki.__version__ == importlib.metadata.version("keras-iresnet")


def test_an_unknown_name_is_missed_by_name():
    with pytest.raises(AttributeError, match="module 'keras_iresnet' has no attribute 'Glow'"):
        _ = ki.Glow


def test_classes_that_errors_and_bijectors_have_are_the_same_everywhere():
    assert ki.NotConvergedError is ki.layers.NotConvergedError
    assert inspect.isclass(ki.InvertibleResNetBijector)


@pytest.mark.slow
def test_tfp_is_imported_when_the_bijector_is_asked_for_and_not_before():
    code = (
        "import sys, keras_iresnet as ki; dir(ki); ki.__version__; print('tensorflow_probability' in sys.modules);"
        "ki.InvertibleResNetBijector; print('tensorflow_probability' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert result.stdout.split() == ["False", "True"]
