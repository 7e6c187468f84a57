"""Private names of Keras, TensorFlow and TFP stand in `borrowed` and nowhere else."""

import ast
import importlib
import inspect
import pathlib
import pkgutil

import pytest

import keras_iresnet as ki

ROOT = pathlib.Path(__file__).parents[2]
FILES = sorted(
    path for folder in ("keras_iresnet", "keras_iresnet_cli", "scripts") for path in (ROOT / folder).rglob("*.py")
)
OURS = [path for path in FILES if ROOT / "keras_iresnet" / "borrowed" not in path.parents]
# What TFP asks of whoever writes a bijector or a distribution, in its documentation.
PROTOCOL = {"_parameter_properties", "_forward", "_inverse", "_forward_log_det_jacobian"}
PROTOCOL |= {f"_{way}_event_shape{kind}" for way in ("forward", "inverse") for kind in ("", "_tensor")}
PROTOCOL |= {"_event_shape", "_event_shape_tensor", "_batch_shape", "_log_prob", "_sample_n"}


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def defined(tree):
    """Private names that a file gives to functions, classes, variables, attributes or arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


TREES = {path: ast.parse(path.read_text()) for path in FILES}
OWN = {name for path in OURS for name in defined(TREES[path]) if is_private(name)}
STANDARD = {"_fields", "_asdict", "_replace"}  # of named tuples


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_attributes_are_our_own_or_public(path):
    used = {node.attr for node in ast.walk(TREES[path]) if isinstance(node, ast.Attribute) and is_private(node.attr)}
    assert not used - OWN - STANDARD, "a private name of another library: put it into keras_iresnet/borrowed"


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_are_public(path):
    modules = {node.module for node in ast.walk(TREES[path]) if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in ast.walk(TREES[path]) if isinstance(node, ast.Import) for name in node.names}
    private = {name for name in modules if name and name.startswith(("keras.src", "tensorflow.python"))}
    assert not private, "a private module: put it into keras_iresnet/borrowed"


def classes():
    for info in pkgutil.walk_packages(ki.__path__, "keras_iresnet."):
        for thing in vars(importlib.import_module(info.name)).values():
            if inspect.isclass(thing) and thing.__module__ == info.name:
                yield thing


CLASSES = list(classes())
BORROWED = [cls for cls in CLASSES if cls.__module__.startswith("keras_iresnet.borrowed")]


@pytest.mark.parametrize(
    "cls", [cls for cls in CLASSES if cls not in BORROWED], ids=lambda cls: f"{cls.__module__}.{cls.__name__}"
)
def test_no_private_name_of_a_foreign_base_is_overridden(cls):
    foreign = [base for base in cls.__mro__ if base.__module__.startswith(("keras.", "tensorflow", "tf_keras"))]
    ours = [base for base in cls.__mro__ if base.__module__.startswith("keras_iresnet") and base not in BORROWED]
    names = {name for base in ours for name in vars(base) if is_private(name)}
    overridden = {name for name in names if any(name in vars(base) for base in foreign)}
    allowed = {"_abc_impl", "_TF_MODULE_IGNORED_PROPERTIES"}  # made by class decorators
    if any("tensorflow_probability" in base.__module__ for base in cls.__mro__):
        allowed |= PROTOCOL
    assert not overridden - allowed, (
        f"{overridden} of {[base.__name__ for base in foreign]}: use keras_iresnet/borrowed"
    )
